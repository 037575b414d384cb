"""Instance scores of whole data sets of id masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.evaluate.instances import FIGURES, score_instance_masks, summarize_instances

TRUTH = np.zeros((40, 40), np.uint16)
TRUTH[2:6, 2:6], TRUTH[10:30, 10:30], TRUTH[34:38, 2:12] = 1, 2, 3
FOUND = np.zeros_like(TRUTH)
FOUND[2:6, 2:6], FOUND[10:30, 10:24], FOUND[32:34, 30:34] = 9, 4, 6  # IoU 1, 0.7, and one that is spurious
EMPTY = np.zeros_like(TRUTH)


def write(folder: Path, masks: dict[str, np.ndarray]) -> list[Path]:
    folder.mkdir()
    for name, ids in masks.items():
        Image.fromarray(ids).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in masks]


def test_id_masks_are_scored_from_files(tmp_path: Path) -> None:
    truth = write(tmp_path / "t", {"a": TRUTH, "b": TRUTH, "empty": EMPTY})
    found = write(tmp_path / "p", {"a": FOUND, "b": TRUTH, "empty": EMPTY})
    scored = score_instance_masks(list(zip(found, truth, strict=True)))
    plain = json.loads(json.dumps(summarize_instances(scored, resamples=60).to_dict(), allow_nan=False))
    at = {row["threshold"]: row for row in plain["thresholds"]}
    assert (at[0.5]["true_positives"], at[0.5]["false_positives"], at[0.5]["false_negatives"]) == (5, 1, 1)
    assert at[0.5]["average_precision_dataset"]["value"] == pytest.approx(5 / 7)
    assert at[0.5]["average_precision_per_image"]["value"] == pytest.approx((2 / 4 + 1) / 2)  # the empty one left out
    assert at[0.75]["average_precision_dataset"]["value"] == pytest.approx(4 / 8)
    assert at[0.5]["mean_matched_iou_dataset"]["value"] == pytest.approx((4 + 0.7) / 5)
    assert at[0.5]["average_precision_dataset"]["low"] < 5 / 7 < at[0.5]["average_precision_dataset"]["high"]
    assert {f"{name}_{kind}" for name in FIGURES for kind in ("dataset", "per_image")} < at[0.5].keys()
    mean = np.mean([row["average_precision_dataset"]["value"] for row in plain["thresholds"]])
    assert plain["overall"]["mean_average_precision_dataset"]["value"] == pytest.approx(mean)
    assert [(row["size"], row["objects"], row["recall"]["value"]) for row in plain["sizes"]][:3] == [
        ("under 64 px", 4, 0.75),
        ("64–255 px", 0, None),
        ("256–1023 px", 2, 1),
    ]
    assert [(row["name"], row["average_precision"], row["true_objects"]) for row in plain["per_image"]] == [
        ("a", 0.5, 3),
        ("b", 1, 3),
        ("empty", None, 0),
    ]
    assert json.dumps(scored.to_dict())
    assert plain["conventions"]["void"] == "none: every pixel counts"
    assert plain["warnings"] == []


def test_void_pixels_are_left_out(tmp_path: Path) -> None:
    (truth,) = write(tmp_path / "t", {"a": np.where(FOUND == 6, 3, TRUTH)})
    (found,) = write(tmp_path / "p", {"a": FOUND})
    summary = summarize_instances(score_instance_masks([(found, truth)], ignore=3), resamples=5)
    first = summary.sections["thresholds"][0]
    assert (first["true_positives"], first["false_positives"], first["false_negatives"]) == (2, 0, 0)
    assert summary.conventions["void"] == "pixels with the id 3 in the truth count nowhere"


def test_background_is_no_void(tmp_path: Path) -> None:
    (mask,) = write(tmp_path / "t", {"a": TRUTH})
    with pytest.raises(RecipeError, match=r"ignore: the id of void pixels is 0, but 0 is background"):
        score_instance_masks([(mask, mask)], ignore=0)


def test_pictures_of_one_patient_are_drawn_together(tmp_path: Path) -> None:
    masks = {"p1_a": TRUTH, "p1_b": TRUTH, "p2_a": FOUND, "p2_b": FOUND}
    truth = write(tmp_path / "t", masks)
    found = write(tmp_path / "p", {**masks, "p2_a": TRUTH})
    pairs = list(zip(found, truth, strict=True))
    scored = score_instance_masks(pairs, group_by=r"p(\d)")
    assert scored.groups == ("1", "1", "2", "2")
    summary = summarize_instances(scored, resamples=50, warnings=["beware"])
    assert (summary.images, summary.groups) == (4, 2)
    assert "over 2 groups of images" in summary.conventions["interval"]
    assert summary.to_dict()["warnings"] == ["beware"]
    with pytest.raises(DataError, match="finds no group in these names"):
        score_instance_masks(pairs, group_by=r"q(\d)")


def test_sizes_must_agree(tmp_path: Path) -> None:
    (truth,), (found,) = write(tmp_path / "t", {"a": TRUTH}), write(tmp_path / "p", {"a": FOUND[:9]})
    with pytest.raises(ShapeError, match=r"p/a\.png: the truth is 40×40 pixels and the prediction 40×9"):
        score_instance_masks([(found, truth)])
