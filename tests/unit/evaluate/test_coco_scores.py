"""COCO's figures of whole data sets, with intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from intarsia.data.formats.coco import CocoInstances
from intarsia.errors import DataError
from intarsia.evaluate import coco
from intarsia.evaluate.coco import score_coco
from intarsia.ops.rle import mask_to_rle
from intarsia.types import InstanceSet, LabelMap

TRUTH = np.zeros((40, 40), np.uint16)
TRUTH[2:6, 2:6], TRUTH[10:30, 10:30], TRUTH[34:38, 2:12] = 1, 2, 3
FOUND = np.zeros_like(TRUTH)
FOUND[2:6, 2:6], FOUND[10:30, 10:24], FOUND[32:34, 30:34] = 9, 4, 6  # IoU 1, 0.7, and one that is spurious
LABELS = LabelMap(("cell", "debris", "never"), ids=(1, 4, 8))


def objects(ids: np.ndarray, class_ids: list[int], scores: list[float] | None = None) -> InstanceSet:
    masks = tuple(mask_to_rle(ids == i) for i in np.unique(ids) if i)
    of_scores = None if scores is None else np.array(scores)
    return InstanceSet(masks, np.array(class_ids, np.int64), (40, 40), scores=of_scores)


def pictures() -> tuple[CocoInstances, dict[int, InstanceSet], dict[int, InstanceSet]]:
    """The truth of five pictures, and results: perfect ones, and some with a worse second picture."""
    classes = {i: [1, 1, 4 if i == 3 else 1] for i in range(1, 6)}
    names = {i: f"patient{i // 3}_{i}.png" for i in classes}
    truth = CocoInstances(Path("t.json"), LABELS, {i: objects(TRUTH, classes[i]) for i in classes}, names)
    perfect = {i: objects(TRUTH, classes[i], [0.9, 0.8, 0.7]) for i in classes}
    return truth, perfect, {**perfect, 2: objects(FOUND, [1, 1, 1], [0.5, 0.4, 0.3])}


def test_coco_results_are_scored() -> None:
    truth, perfect, found = pictures()
    plain = json.loads(json.dumps(score_coco(truth, found, resamples=40).to_dict(), allow_nan=False))
    cell, debris, never = plain["classes"]
    assert (cell["objects"], debris["objects"], never["objects"]) == (14, 1, 0)
    assert cell["ap"]["low"] < cell["ap"]["value"] < cell["ap"]["high"] == 1
    assert debris["ap"] == {"value": 1, "low": None, "high": None}
    assert never["ap"]["value"] is None
    assert plain["overall"]["ap"]["value"] == pytest.approx((cell["ap"]["value"] + 1) / 2)
    assert plain["images"] == 5
    exact = score_coco(truth, perfect, resamples=5)
    assert exact.overall["ap"].value == exact.overall["ar_100"].value == 1


def test_file_names_make_groups() -> None:
    truth, _, found = pictures()
    alone, grouped = (score_coco(truth, found, group_by=by, resamples=40) for by in (None, r"patient(\d)"))
    assert (alone.groups, grouped.groups, grouped.images) == (5, 2, 5)
    assert "over 2 groups of images" in grouped.conventions["interval"]
    assert grouped.overall["ap"].value == alone.overall["ap"].value
    assert grouped.overall["ap"].low != alone.overall["ap"].low
    with pytest.raises(DataError, match=r"patient0_1\.png.*finds no group in these names"):
        score_coco(truth, found, group_by=r"case(\d)")


def test_the_figures_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, _, found = pictures()
    seen: list[tuple[int, int]] = []
    few = score_coco(truth, found, lambda done, total: seen.append((done, total)), resamples=40)
    assert seen == [(16, 40), (32, 40), (40, 40)]
    monkeypatch.setattr(coco, "_AT_ONCE", 1000)
    assert score_coco(truth, found, resamples=40).to_dict() == few.to_dict()
