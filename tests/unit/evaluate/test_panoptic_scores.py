"""Panoptic scores of whole data sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.panoptic import PanopticFile, ids_to_rgb, open_panoptic
from intarsia.errors import DataError, ShapeError
from intarsia.evaluate.panoptic import label_map_of, score_panoptic, summarize_panoptic
from intarsia.evaluate.segments import CountedPictures
from intarsia.metrics.counts import total
from intarsia.metrics.panoptic import PanopticCounts, panoptic_quality
from intarsia.types import LabelMap

CATEGORIES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 9, "name": "sky", "isthing": 0},
]


def panoptic_file(folder: Path, maps: dict[int, np.ndarray], categories: bool = True) -> PanopticFile:
    """Each id 10·class + n of the maps is a segment of that class."""
    (folder / "panoptic").mkdir(parents=True)
    annotations = []
    for image, ids in maps.items():
        Image.fromarray(ids_to_rgb(ids.astype(np.uint32))).save(folder / "panoptic" / f"{image}.png")
        segments = [{"id": i, "category_id": i // 10} for i in np.unique(ids).tolist() if i]
        annotations.append({"image_id": image, "file_name": f"{image}.png", "segments_info": segments})
    content = {"annotations": annotations} | ({"categories": CATEGORIES} if categories else {})
    (folder / "panoptic.json").write_text(json.dumps(content), encoding="utf-8")
    return open_panoptic(folder)


FIRST = np.array([[11, 11, 12, 12], [90, 90, 90, 90]])
SECOND = np.array([[11, 11, 11, 0], [90, 90, 21, 21]])
WORSE = np.array([[11, 11, 11, 11], [90, 90, 90, 90]])


def test_a_data_set_is_scored_from_files(tmp_path: Path) -> None:
    truth = panoptic_file(tmp_path / "t", {4: FIRST, 7: SECOND})
    found = panoptic_file(tmp_path / "p", {4: WORSE, 7: SECOND}, categories=False)
    seen: list[tuple[int, int]] = []
    scored = score_panoptic(found, truth, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    assert scored.names == ("4.png", "7.png")
    pooled = total(scored.counts)
    # Cat 11 of the first picture is half of what was predicted: no match.
    assert pooled.true_positives.tolist() == [1, 1, 2]
    assert pooled.false_positives.tolist() == [1, 0, 0]
    assert pooled.false_negatives.tolist() == [2, 0, 0]

    summary = summarize_panoptic(scored, label_map_of(truth), resamples=50)
    plain = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    cat, dog, sky = plain["classes"]
    assert cat["pq"]["value"] == pytest.approx(1 / 2.5)
    assert dog["pq"] == {"value": 1, "low": None, "high": None}  # of a single picture nothing is known about the spread
    assert (sky["pq"]["value"], sky["thing"], sky["true_positives"]) == (1, False, 2)
    assert plain["overall"]["pq"]["value"] == pytest.approx((0.4 + 1 + 1) / 3)
    assert plain["overall"]["pq_things"]["value"] == pytest.approx(0.7)
    assert plain["overall"]["pq_stuff"]["value"] == 1
    assert plain["overall"]["pq"]["low"] < plain["overall"]["pq"]["value"] < plain["overall"]["pq"]["high"]
    assert [row["name"] for row in plain["per_image"]] == ["4.png", "7.png"]
    assert (plain["images"], plain["groups"], plain["task"]) == (2, 2, "panoptic")
    assert "50 resamples" in plain["conventions"]["interval"]
    assert scored.to_dict()["names"] == ["4.png", "7.png"]


def test_pictures_of_one_video_are_drawn_together(tmp_path: Path) -> None:
    files = [panoptic_file(tmp_path / name, {14: FIRST, 17: SECOND, 28: FIRST}) for name in ("t", "p")]
    scored = score_panoptic(files[1], files[0], group_by=r"^(\d)")
    assert scored.groups == ("1", "1", "2")
    assert summarize_panoptic(scored, label_map_of(files[0]), resamples=5).groups == 2
    with pytest.raises(DataError, match="finds no group in these names"):
        score_panoptic(files[1], files[0], group_by=r"video(\d)")


def test_groups_are_what_is_drawn() -> None:
    counts = PanopticCounts(np.ones((4, 3)), *[np.ones((4, 3), np.int64)] * 3)
    scored = CountedPictures(tuple("abcd"), ("x", "x", "x", "x"), counts)
    labels = LabelMap(("cat", "dog", "sky"), things=frozenset({0, 1}))
    summary = summarize_panoptic(scored, labels, resamples=20, warnings=["beware"])
    assert np.isnan(summary.overall["pq"].low)
    assert summary.overall["pq"].value == panoptic_quality(total(counts))[0]
    assert summary.groups == 1
    assert summary.to_dict()["warnings"] == ["beware"]


def test_pictures_without_a_partner_are_listed(tmp_path: Path) -> None:
    truth = panoptic_file(tmp_path / "t", {1: FIRST, 4: FIRST})
    found = panoptic_file(tmp_path / "p", {4: FIRST, 7: FIRST})
    with pytest.raises(
        DataError, match=r"1 true pictures have no .*1 predictions no truth \(1\.png, 7\.png\)\. Predict"
    ):
        score_panoptic(found, truth)


def test_sizes_must_agree(tmp_path: Path) -> None:
    truth, found = panoptic_file(tmp_path / "t", {4: FIRST}), panoptic_file(tmp_path / "p", {4: FIRST[:1]})
    with pytest.raises(ShapeError, match=r"p/panoptic/4\.png: the truth is 4×2 pixels and the prediction 4×1"):
        score_panoptic(found, truth)


def test_a_truth_without_categories_is_refused(tmp_path: Path) -> None:
    truth = panoptic_file(tmp_path / "t", {4: FIRST}, categories=False)
    with pytest.raises(DataError, match=r"has no `categories`.*Add the `categories`"):
        score_panoptic(truth, truth)
