"""Void conventions: one reduction of the joint counts, against pixels counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.errors import RecipeError
from intarsia.metrics import VOID_CONVENTIONS, Void, class_counts, confusion_matrix, iou, mean_iou, pixel_accuracy
from intarsia.metrics.class_counts import void_convention
from intarsia.types import LabelMap

VOID = 255
LABELS = LabelMap(("a", "b", "c"), ignore=VOID)
NAMES = st.sampled_from(sorted(VOID_CONVENTIONS))


def literal(truth: np.ndarray, predicted: np.ndarray, void: str) -> dict[str, list[float]]:
    """The same figures by looking at every pixel with the convention's words in hand."""
    kept = []
    for t, p in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
        if void == "exclude" and t == VOID:
            continue
        if void == "exclude-both" and VOID in (t, p):
            continue
        kept.append((t, p))
    scores = []
    for k in range(3):
        hits = sum(t == p == k for t, p in kept)
        union = sum(k in (t, p) for t, p in kept)
        scores.append(hits / union if union else np.nan)
    right = sum(t == p for t, p in kept)
    return {"iou": scores, "pixel_accuracy": [right / len(kept) if kept else np.nan]}


@settings(max_examples=60)
@given(st.integers(0, 2**32), NAMES)
def test_each_convention_counts_what_its_words_say(seed: int, void: Void) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([0, 1, 2, VOID], size=rng.integers(1, 5), replace=True)
    truth, predicted = (rng.choice(values, (4, 5)).astype(np.uint8) for _ in range(2))
    counts = class_counts(confusion_matrix(truth, predicted, LABELS), void)
    expected = literal(truth, predicted, void)
    np.testing.assert_allclose(iou(counts), expected["iou"])
    np.testing.assert_allclose(pixel_accuracy(counts), expected["pixel_accuracy"][0])
    assert counts.void == void


def test_the_three_conventions_give_three_scores_to_one_prediction() -> None:
    #                     a  b  void     rows truth, columns prediction
    confusion = np.array([[6, 2, 2], [0, 4, 0], [3, 0, 1]])
    assert mean_iou(class_counts(confusion, "exclude")) == pytest.approx((6 / 10 + 4 / 6) / 2)
    assert mean_iou(class_counts(confusion, "exclude-both")) == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert mean_iou(class_counts(confusion, "count")) == pytest.approx((6 / 13 + 4 / 6) / 2)


@given(st.integers(0, 2**32))
def test_without_void_all_conventions_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = (rng.integers(0, 3, (4, 5), dtype=np.uint8) for _ in range(2))
    confusion = confusion_matrix(truth, predicted, LABELS)
    exclude, both, count = (iou(class_counts(confusion, void)) for void in VOID_CONVENTIONS)
    np.testing.assert_array_equal(exclude, both)
    np.testing.assert_array_equal(exclude, count)


def test_the_joint_counts_are_left_as_they_were() -> None:
    confusion = np.arange(9).reshape(3, 3)
    for void in VOID_CONVENTIONS:
        class_counts(confusion, void)
    np.testing.assert_array_equal(confusion, np.arange(9).reshape(3, 3))


def test_an_unknown_convention_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        RecipeError, match=r"void convention 'ignore' does not exist\. Choose one of exclude, exclude-both"
    ):
        void_convention("ignore")
    assert [void_convention(name) for name in VOID_CONVENTIONS] == list(VOID_CONVENTIONS)
