"""Inspecting mask files: streamed, with the same figures whatever the order, and one clear line for a bad file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from corruptions import SCENE, jittered, scene
from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.evaluate.inspection import inspect_masks
from intarsia.evaluate.runner import pair_masks, score_files
from intarsia.metrics import iou


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for kind in ("truth", "predicted"):
        (tmp_path / kind).mkdir()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        truth, label_map = scene(rng)
        Image.fromarray(truth).save(tmp_path / "truth" / f"{seed}.png")
        Image.fromarray(jittered(truth, label_map, rng)).save(tmp_path / "predicted" / f"{seed}.png")
    return tmp_path / "predicted", tmp_path / "truth"


def test_without_a_truth(folders: tuple[Path, Path]) -> None:
    pairs = pair_masks(folders[0], folders[0])
    content = inspect_masks(pairs, SCENE, truth=False).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["images"] == 5
    assert content["diagnosis"] is None
    masks = np.stack([np.asarray(Image.open(path)) for path, _ in pairs])
    assert [row["pixels"] for row in content["classes"]] == np.bincount(masks.ravel(), minlength=5).tolist()
    pieces = [np.bincount(label(mask == 1, np.ones((3, 3)))[0].ravel())[1:] for mask in masks]
    areas = np.concatenate(pieces)
    expected = np.quantile(areas[areas >= 10], [0.1, 0.5, 0.9], method="inverted_cdf")
    assert content["classes"][1]["size_quantiles"] == dict(zip(("10%", "50%", "90%"), expected, strict=True))
    assert sum(row["share"] for row in content["classes"]) == pytest.approx(1)
    assert [row["images"] for row in content["classes"]] == [int((masks == k).any((1, 2)).sum()) for k in range(5)]


def test_with_a_truth_the_figures_are_those_of_score(folders: tuple[Path, Path]) -> None:
    pairs = pair_masks(*folders)
    found = inspect_masks(pairs, SCENE, truth=True)
    content = found.to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    expected = iou(score_files(pairs, SCENE).dataset)
    assert [entry["iou"] for entry in content["diagnosis"]["classes"]] == pytest.approx(expected.tolist())
    assert all(row["ratio"] == pytest.approx(1, abs=0.2) for row in content["classes"])


def test_order_and_progress(folders: tuple[Path, Path]) -> None:
    pairs = pair_masks(*folders)
    expected = inspect_masks(pairs, SCENE, truth=True).to_dict()
    seen: list[tuple[int, int]] = []
    content = inspect_masks(pairs, SCENE, truth=True, progress=lambda *at: seen.append(at)).to_dict()
    assert content == expected
    assert seen == [(done, 5) for done in range(1, 6)]
    assert inspect_masks(pairs[::-1], SCENE, truth=True).to_dict()["classes"] == expected["classes"]


def test_equal_masks_are_found_but_not_those_of_one_class(folders: tuple[Path, Path]) -> None:
    for name in ("7", "8", "9"):
        Image.fromarray(np.zeros((192, 256), np.uint8)).save(folders[0] / f"{name}.png")
    (folders[0] / "6.png").write_bytes((folders[0] / "2.png").read_bytes())
    found = inspect_masks(pair_masks(folders[0], folders[0]), SCENE, truth=False)
    assert found.duplicates == (("2.png", "6.png"),)
    assert found.to_dict()["one_class_images"] == 3


def test_a_grid_that_was_asked_for_is_answered(folders: tuple[Path, Path]) -> None:
    pairs = pair_masks(*folders)
    found = inspect_masks(pairs, SCENE, truth=True, tile=64)
    told = next(finding for finding in found.findings if finding.name == "tile seams")
    assert told.severity == "note"
    with pytest.raises(RecipeError, match="tiles of 256 pixels have no seam in pictures of 256×192"):
        inspect_masks(pairs, SCENE, truth=True, tile=256)


def test_bad_files_are_one_line(folders: tuple[Path, Path]) -> None:
    pairs = pair_masks(*folders)
    Image.fromarray(np.full((192, 256), 77, np.uint8)).save(folders[0] / "3.png")
    with pytest.raises(DataError, match=r"predicted/3\.png: holds the id 77, but the classes are 0 background"):
        inspect_masks(pairs, SCENE, truth=True)
    Image.fromarray(np.zeros((190, 256), np.uint8)).save(folders[0] / "3.png")
    with pytest.raises(ShapeError, match=r"3\.png: the truth is 256×192 pixels and the prediction 256×190"):
        inspect_masks(pairs, SCENE, truth=True)
