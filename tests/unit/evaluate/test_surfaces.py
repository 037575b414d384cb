"""The surface section of an evaluation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from intarsia.evaluate.surfaces import surface_section
from intarsia.metrics import ScoreTable, ScoreTableBuilder
from intarsia.metrics.counts import total
from intarsia.metrics.picture import CountOptions
from intarsia.metrics.surface import average_surface_distance, surface_dice
from intarsia.types import LabelMap

LABELS = LabelMap(("ground", "tree", "never"), ids=(3, 1, 9), ignore=255)
ASSD = "average_surface_distance_symmetric_exclude"


@pytest.fixture(scope="module")
def table() -> ScoreTable:
    """Six pictures of which one has no tree predicted and one none in truth."""
    rng = np.random.default_rng(0)
    builder = ScoreTableBuilder(LABELS, CountOptions(spacing=(0.5, 0.8), surface_tolerances=(1.0, 2.0)))
    for number in range(6):
        truth = np.repeat(np.repeat(rng.choice([1, 3], (4, 5)), 9, axis=0), 9, axis=1).astype(np.uint8)
        predicted = np.roll(truth, rng.integers(-3, 4, 2), axis=(0, 1))
        if number == 0:
            predicted[:] = 3
        if number == 1:
            truth[:] = 3
        builder.add(f"image {number}", truth, predicted, group=f"video {number // 2}")
    return builder.table()


def test_pooled_values_are_those_of_the_pure_functions(table: ScoreTable) -> None:
    found = surface_section(table, resamples=50)
    assert (found["spacing"], found["tolerances"]) == ([0.5, 0.8], [1, 2])
    assert table.surface is not None
    pooled = total(table.surface)
    nsd, average = surface_dice(pooled), average_surface_distance(pooled, missing="exclude")
    for k, entry in enumerate(found["classes"][:2]):
        assert (entry["id"], entry["name"]) == (LABELS.ids[k], LABELS.names[k])
        assert [each["value"] for each in entry["surface_dice"]] == pytest.approx(nsd[k].tolist())
        assert entry[ASSD]["value"] == pytest.approx(average[k])
    overall = found["overall"]
    assert [each["value"] for each in overall["mean_surface_dice"]] == pytest.approx(nsd[:2].mean(axis=0).tolist())
    assert overall[f"mean_{ASSD}"]["value"] == pytest.approx(average[:2].mean())


def test_hausdorff_distances_are_means_of_the_finite_ones_and_the_others_are_counted(table: ScoreTable) -> None:
    found = surface_section(table, resamples=50)
    assert table.hausdorff is not None
    for k, entry in enumerate(found["classes"][:2]):
        finite = table.hausdorff[np.isfinite(table.hausdorff[:, k, 0]), k]
        assert entry["hausdorff_per_image"]["value"] == pytest.approx(finite[:, 0].mean())
        assert entry["hausdorff_95_per_image"]["value"] == pytest.approx(finite[:, 1].mean())
    assert [entry["images_finite"] for entry in found["classes"]] == [6, 4, 0]
    assert [entry["images_infinite"] for entry in found["classes"]] == [0, 2, 0]
    of_images = [np.mean([each for each in image[:, 1] if np.isfinite(each)]) for image in table.hausdorff]
    overall = found["overall"]
    assert overall["mean_hausdorff_95_per_image"]["value"] == pytest.approx(np.mean(of_images))
    assert (overall["images_finite"], overall["images_infinite"]) == (6, 2)


def test_per_image_figures_are_means_over_images(table: ScoreTable) -> None:
    found = surface_section(table, resamples=50)
    assert table.surface is not None
    of_images = surface_dice(table.surface)
    assert (of_images[:2, 1] == 0).all()  # a surface that is missing on one side is not left out of NSD
    figures = [each["value"] for each in found["classes"][1]["surface_dice_per_image"]]
    assert figures == pytest.approx(of_images[:, 1].mean(axis=0).tolist())
    per_image = np.nanmean(np.nanmean(average_surface_distance(table.surface, missing="exclude"), axis=1))
    assert found["overall"][f"mean_{ASSD}_per_image"]["value"] == pytest.approx(per_image)


def test_figures_have_intervals_and_the_undefined_is_null(table: ScoreTable) -> None:
    found = json.loads(json.dumps(surface_section(table, resamples=200), allow_nan=False))
    nothing = {"value": None, "low": None, "high": None}
    for name in (ASSD, "hausdorff_per_image", "hausdorff_95_per_image"):
        figure = found["classes"][0][name]
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"]
        assert found["classes"][2][name] == nothing
    assert found["classes"][2]["surface_dice"] == [nothing, nothing]
    assert "images_infinite counts those images" in found["convention"]


def test_a_class_that_is_always_missed_has_nsd_zero_and_no_distance() -> None:
    builder = ScoreTableBuilder(LABELS, CountOptions(spacing=(1.0, 1.0)))
    truth = np.full((8, 8), 3, np.uint8)
    truth[2:5, 2:5] = 1
    for name in ("a", "b"):
        builder.add(name, truth, np.full((8, 8), 3, np.uint8))
    tree = surface_section(builder.table(), resamples=50)["classes"][1]
    assert [each["value"] for each in tree["surface_dice"]] == [0, 0, 0]
    assert tree["hausdorff_per_image"]["value"] is None
    assert tree[ASSD]["value"] is None
    assert (tree["images_finite"], tree["images_infinite"]) == (0, 2)
