"""What is odd about masks is said, with what to do; and nothing is said of good ones."""

from __future__ import annotations

import numpy as np
import pytest

from corruptions import SCENE, diagnose_pair, scene
from intarsia.evaluate.mask_findings import findings_of_comparison, findings_of_masks
from intarsia.metrics import confusion_matrix, counts
from intarsia.metrics.mask_shapes import MaskCounts, count_mask
from intarsia.types import LabelMap

TWO = LabelMap(("ground", "cat"), ignore=9)


def found(masks: list[np.ndarray], label_map: LabelMap, compared: bool = False) -> dict[str, str]:
    counted: MaskCounts = counts.total(counts.stack([count_mask(mask, label_map)[0] for mask in masks]))
    findings = findings_of_masks(counted, len(masks), label_map, [], compared)
    assert all(finding.remedy and not finding.remedy.endswith(".") for finding in findings)
    return {finding.name: finding.finding for finding in findings}


def scenes(count: int = 4) -> list[np.ndarray]:
    return [scene(np.random.default_rng(seed))[0] for seed in range(count)]


def test_good_masks_are_passed_over() -> None:
    assert found(scenes(), SCENE) == {}


def test_a_class_that_never_occurs_is_named_unless_a_truth_tells_more() -> None:
    masks = [np.where(mask == 3, 0, mask).astype(np.uint8) for mask in scenes()]
    assert found(masks, SCENE) == {"never predicted": "No mask holds boat"}
    assert found(masks, SCENE, compared=True) == {}


def test_masks_of_one_class_are_counted() -> None:
    masks = [*scenes(1), *(np.full((192, 256), k, np.uint8) for k in (0, 0, 2))]
    assert found(masks, SCENE)["one class only"] == "3 of 4 masks hold a single class"


def test_void_specks_and_ragged_outlines_are_told() -> None:
    rng = np.random.default_rng(0)
    mask = scenes(1)[0]
    labels = LabelMap(SCENE.names, ignore=9)
    voided = mask.copy()
    voided[:10] = 9
    assert found([voided], labels)["void predicted"].startswith("5.2% of the pixels hold the ignore id")
    noisy = np.where(rng.random(mask.shape) < 0.05, rng.integers(0, 5, mask.shape), mask).astype(np.uint8)
    assert found([noisy], SCENE)["specks"].startswith("Pieces of under 10 pixels, a picture: ")
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + rng.integers(-1, 2, (2, *mask.shape))
    shaken = mask[y.clip(0, mask.shape[0] - 1), x.clip(0, mask.shape[1] - 1)]
    assert "background" in found([shaken], SCENE)["ragged outlines"]


def test_blocks_are_told() -> None:
    blocks = [np.kron(mask[::8, ::8], np.ones((8, 8), np.uint8)) for mask in scenes()]
    assert found(blocks, SCENE)["blocks"].startswith("The masks are made of blocks of 8×8 pixels")


def test_equal_masks_are_listed() -> None:
    counted = count_mask(scenes(1)[0], SCENE)[0]
    names = [["a.png", "b.png", "c.png", "d.png"], ["x.png", "y.png"]]
    told = findings_of_masks(counted, 6, SCENE, names, compared=True)[-1]
    assert told.finding == ("6 masks are equal to another to the last pixel: a.png = b.png = c.png = …; x.png = y.png")


@pytest.mark.parametrize(
    ("cat", "name", "words"),
    [
        ((10, 10), "under-predicted", "Predicted pixels over true pixels: cat (× 0.25)"),
        ((40, 40), "over-predicted", "Predicted pixels over true pixels: cat (× 4.00)"),
        ((18, 20), "blurred borders", "Most of what is lost lies at the border: cat (100% of the loss)"),
        ((0, 0), "one class everywhere", "Every pixel is predicted as ground, where the truth holds 2 classes"),
    ],
)
def test_amounts_and_borders_beside_a_truth(cat: tuple[int, int], name: str, words: str) -> None:
    truth, predicted = np.zeros((2, 64, 64), np.uint8)
    truth[10:30, 10:30] = 1
    predicted[10 : 10 + cat[0], 10 : 10 + cat[1]] = 1
    confusion = confusion_matrix(truth, predicted, TWO)
    findings = findings_of_comparison(confusion, diagnose_pair(truth, predicted, TWO), TWO)
    assert {finding.name: finding.finding for finding in findings}[name] == words


def test_a_perfect_prediction_is_passed_over() -> None:
    mask = scenes(1)[0]
    assert findings_of_comparison(confusion_matrix(mask, mask, SCENE), diagnose_pair(mask, mask, SCENE), SCENE) == []
