"""The boundary section of an evaluation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from intarsia.evaluate.boundaries import boundary_section
from intarsia.metrics import ScoreTable, ScoreTableBuilder, mean_of_defined
from intarsia.metrics.boundary import boundary_f1, boundary_iou, trimap_iou
from intarsia.metrics.counts import total
from intarsia.types import LabelMap

LABELS = LabelMap(("ground", "tree", "never"), ids=(3, 1, 9), ignore=255)


@pytest.fixture(scope="module")
def table() -> ScoreTable:
    rng = np.random.default_rng(0)
    builder = ScoreTableBuilder(LABELS)
    for number in range(6):
        truth = np.repeat(np.repeat(rng.choice([1, 3], (4, 5)), 9, axis=0), 9, axis=1).astype(np.uint8)
        predicted = np.roll(truth, rng.integers(-3, 4, 2), axis=(0, 1))
        builder.add(f"image {number}", truth, predicted, group=f"video {number // 2}")
    return builder.table()


def test_values_are_those_of_the_pure_functions(table: ScoreTable) -> None:
    found = boundary_section(table, resamples=50)
    counts = table.boundary
    assert counts is not None
    pooled = total(counts)
    assert found["tolerances"] == list(counts.tolerances)
    for k, entry in enumerate(found["classes"][:2]):
        assert (entry["id"], entry["name"]) == (LABELS.ids[k], LABELS.names[k])
        assert [each["value"] for each in entry["boundary_f1"]] == pytest.approx(boundary_f1(pooled)[k].tolist())
        assert entry["boundary_iou"]["value"] == pytest.approx(boundary_iou(pooled)[k])
        assert [each["value"] for each in entry["trimap_iou"]] == pytest.approx(trimap_iou(pooled)[k].tolist())
    means = mean_of_defined(boundary_f1(pooled), axis=0)
    assert [each["value"] for each in found["overall"]["mean_boundary_f1"]] == pytest.approx(means.tolist())
    per_image = np.nanmean(np.nanmean(boundary_iou(counts), axis=1))
    assert found["overall"]["mean_boundary_iou_per_image"]["value"] == pytest.approx(per_image)


def test_figures_have_intervals_and_the_undefined_is_null(table: ScoreTable) -> None:
    found = json.loads(json.dumps(boundary_section(table, resamples=200), allow_nan=False))
    mean = found["overall"]["mean_boundary_iou"]
    assert 0 <= mean["low"] <= mean["value"] <= mean["high"] <= 1
    assert found["classes"][2]["boundary_iou"] == {"value": None, "low": None, "high": None}
    assert "void truth makes no border" in found["convention"]
