"""Everything an evaluation reports, from one table."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from intarsia.evaluate.estimate import Estimate
from intarsia.evaluate.summary import OF_CLASSES, OVERALL, summarize
from intarsia.metrics import VOID_CONVENTIONS, ScoreTable, Void, class_counts
from intarsia.metrics.counts import total
from intarsia.types import LabelMap

LABELS = LabelMap(("sky", "road", "car", "never"), ids=(3, 1, 2, 9), ignore=255)


def table(images: int = 12, groups: int = 12) -> ScoreTable:
    rng = np.random.default_rng(0)
    confusion = rng.integers(0, 30, (images, 5, 5))
    confusion[:, :3, :3] += 100 * np.eye(3, dtype=int)
    confusion[:, 3] = confusion[:, :, 3] = 0
    confusion[1:, 2] = confusion[1:, :, 2] = 0  # cars are in the first image only
    confusion[-1, :-1] = 0  # the last image is void alone
    names = tuple(f"image {i}" for i in range(images))
    return ScoreTable(LABELS, names, tuple(f"video {i % groups}" for i in range(images)), confusion)


@pytest.mark.parametrize("void", VOID_CONVENTIONS)
def test_values_are_those_of_the_pure_functions(void: Void) -> None:
    scores = table()
    summary = summarize(scores, void=void, resamples=100)
    counts = class_counts(scores.confusion, void)
    pooled = total(counts)
    for name, figure in OVERALL.items():
        assert summary.overall[f"{name}_dataset"].value == pytest.approx(float(figure(pooled)))
        assert summary.overall[f"{name}_per_image"].value == pytest.approx(np.nanmean(figure(counts)))
    for k, entry in enumerate(summary.classes[:3]):
        assert (entry.id, entry.name, entry.color) == (LABELS.ids[k], LABELS.names[k], LABELS.colors[k])
        assert entry.support == pooled.true[k]
        for name, of_class in OF_CLASSES.items():
            assert entry.figures[name].value == pytest.approx(of_class(pooled)[k])
            assert entry.figures[f"{name}_per_image"].value == pytest.approx(np.nanmean(of_class(counts)[:, k]))
    assert summary.conventions["void"] == f"{void}: {VOID_CONVENTIONS[void]}"


def test_intervals_surround_their_values() -> None:
    summary = summarize(table(), resamples=500)
    for entry in summary.classes[:2]:
        for name in ("iou", "dice", "precision", "recall", "iou_per_image"):
            estimate = entry.figures[name]
            assert 0 <= estimate.low < estimate.value < estimate.high <= 1
    for estimate in summary.overall.values():
        assert estimate.low < estimate.value < estimate.high


def test_an_absent_class_is_null_and_in_no_mean() -> None:
    summary = summarize(table(), resamples=50)
    absent = summary.classes[3].to_dict()
    assert absent["support"] == 0
    assert absent["iou"] == {"value": None, "low": None, "high": None}
    of_classes = [entry.figures["iou"].value for entry in summary.classes[:3]]
    assert summary.overall["mean_iou_dataset"].value == pytest.approx(np.mean(of_classes))


def test_images_are_listed_worst_first_and_void_ones_last() -> None:
    scores = [image.mean_iou for image in summarize(table(), resamples=50).per_image]
    assert scores[:-1] == sorted(scores[:-1])
    assert math.isnan(scores[-1])


def test_the_json_form_names_its_conventions() -> None:
    content = json.loads(json.dumps(summarize(table(groups=4), resamples=2000, seed=5).to_dict(), allow_nan=False))
    assert (content["images"], content["groups"]) == (12, 4)
    assert set(content["overall"]) == {f"{name}_{kind}" for name in OVERALL for kind in ("dataset", "per_image")}
    assert set(content["overall"]["mean_iou_dataset"]) == {"value", "low", "high"}
    assert content["per_image"][-1] == {"name": "image 11", "group": "video 3", "mean_iou": None}
    assert content["conventions"]["void"].startswith("exclude: ")
    assert content["conventions"]["interval"] == (
        "95% percentile bootstrap over 4 groups of images, 2,000 resamples, seed 5"
    )


def test_a_single_group_has_values_but_no_interval() -> None:
    summary = summarize(table(groups=1), resamples=50)
    assert summary.overall["mean_iou_dataset"].value > 0
    assert summary.overall["mean_iou_dataset"].to_dict()["low"] is None
    assert summary.conventions["interval"] == "none: a single group says nothing about the spread between groups"
    single = summarize(table(images=1, groups=1), resamples=50)
    assert single.conventions["interval"] == "none: a single image says nothing about the spread between images"


def test_the_seed_decides_the_intervals() -> None:
    first, again, other = (
        summarize(table(), resamples=50, seed=seed).overall["mean_iou_dataset"] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert isinstance(first, Estimate)
