"""The ceiling of a coarse output, against shrinking and enlarging literally."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import DataError
from intarsia.metrics import confusion_matrix, mean_iou
from intarsia.metrics.resolution import resolution_confusion
from intarsia.types import LabelMap

LABELS = LabelMap(("a", "b", "c"), ids=(2, 5, 300), ignore=9)
IDS = np.array([2, 5, 300, 9], np.uint16)


def coarse(truth: np.ndarray, stride: int) -> np.ndarray:
    """Each square filled with its most frequent class, the first of equals; void where there is none."""
    filled = truth.copy()
    for top in range(0, truth.shape[0], stride):
        for left in range(0, truth.shape[1], stride):
            square = truth[top : top + stride, left : left + stride]
            best = max((2, 5, 300), key=lambda i: np.count_nonzero(square == i))
            filled[top : top + stride, left : left + stride] = best if np.isin(square, (2, 5, 300)).any() else 9
    return filled


@given(seed=st.integers(0, 2**32), height=st.integers(0, 20), width=st.integers(1, 20), stride=st.integers(1, 9))
def test_equals_the_confusion_with_a_literally_coarse_mask(seed: int, height: int, width: int, stride: int) -> None:
    truth = IDS[np.random.default_rng(seed).integers(0, 4, (height, width))]
    expected = confusion_matrix(truth, coarse(truth, stride), LABELS)
    expected[-1] = [0, 0, 0, expected[-1].sum()]  # what is predicted on void does not count
    np.testing.assert_array_equal(resolution_confusion(truth, stride, LABELS), expected)


def test_stride_one_loses_nothing_and_larger_ones_lose_thin_things() -> None:
    truth = np.full((64, 64), 2, np.uint16)
    truth[10:50, 20:23] = 5
    scores = [float(mean_iou(resolution_confusion(truth, stride, LABELS))) for stride in (1, 2, 4, 16)]
    assert scores[0] == 1.0
    assert max(scores[1:]) < 0.9
    assert scores[-1] < 0.6


def test_layouts_do_not_matter() -> None:
    truth = IDS[np.random.default_rng(0).integers(0, 4, (30, 40))]
    expected = resolution_confusion(truth, 4, LABELS)
    np.testing.assert_array_equal(resolution_confusion(np.asfortranarray(truth), 4, LABELS), expected)


def test_unknown_ids_are_refused() -> None:
    with pytest.raises(DataError, match=r"street\.png: holds the id 7, but the classes are"):
        resolution_confusion(np.full((4, 4), 7, np.uint8), 2, LABELS, where="street.png")
