"""Objects at a threshold: worked by hand, and beside the definition written out slowly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from intarsia.errors import RecipeError, ShapeError
from intarsia.metrics.counts import from_plain, stack, to_plain, total
from intarsia.metrics.instances import (
    SIZE_EDGES,
    THRESHOLDS,
    InstanceCounts,
    average_precision_at,
    count_instances,
    f1_at,
    mean_matched_iou,
    mean_true_iou,
    panoptic_quality_at,
    precision_at,
    recall_at,
    recall_by_size,
    size_names,
)

FIGURES: tuple[Callable[[InstanceCounts], np.ndarray], ...] = (
    average_precision_at,
    precision_at,
    recall_at,
    f1_at,
    mean_matched_iou,
    mean_true_iou,
    panoptic_quality_at,
)


def reference(truth: np.ndarray, predicted: np.ndarray, threshold: float) -> dict[str, float]:
    """The figures of ``stardist.matching`` (Schmidt et al. 2018), by a dense matrix of IoU."""
    true, found = ([ids == i for i in np.unique(ids) if i] for ids in (truth, predicted))
    iou = np.array([[(t & p).sum() / (t | p).sum() for p in found] for t in true]).reshape(len(true), len(found))
    most = min(iou.shape)
    # The most pairs at the threshold; among those, the largest IoU.
    rows, columns = linear_sum_assignment(-(iou >= threshold).astype(float) - iou / (2 * max(1, most)))
    kept = iou[rows, columns] >= threshold
    tp, matched = int(kept.sum()), float(iou[rows, columns][kept].sum())
    fp, fn = len(found) - tp, len(true) - tp

    def over(numerator: float, denominator: float) -> float:
        return numerator / denominator if denominator else np.nan

    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "average_precision": over(tp, tp + fp + fn),
        "precision": over(tp, tp + fp),
        "recall": over(tp, tp + fn),
        "f1": over(2 * tp, 2 * tp + fp + fn),
        "mean_matched_iou": over(matched, tp),
        "mean_true_iou": over(matched, len(true)),
        "panoptic_quality": over(matched, tp + 0.5 * fp + 0.5 * fn),
    }


def assert_equals_reference(truth: np.ndarray, predicted: np.ndarray) -> None:
    counts = count_instances(truth, predicted)
    for t, threshold in enumerate(THRESHOLDS):
        tp, fp, fn, *figures = reference(truth, predicted, threshold).values()
        found = (counts.true_positives[t], counts.false_positives[t], counts.false_negatives[t])
        assert found == (tp, fp, fn)
        np.testing.assert_allclose([figure(counts)[t] for figure in FIGURES], figures, rtol=1e-12)


@given(
    arrays.arrays(np.uint16, (2, 4, 5), elements=st.sampled_from([0, 0, 1, 2, 9, 65535])),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_counts_and_figures_are_those_of_the_reference(maps: np.ndarray, share: float, seed: int) -> None:
    truth, other = maps
    assert_equals_reference(truth, np.where(np.random.default_rng(seed).random(truth.shape) < share, truth, other))


def test_objects_that_compete_at_exactly_half_are_paired_once() -> None:
    # Each half of the true object has IoU 0.5 with it, and each half of the predicted one with that.
    truth, predicted = np.array([[1, 1, 0, 2, 3]], np.uint8), np.array([[1, 2, 0, 3, 3]], np.uint8)
    assert_equals_reference(truth, predicted)
    counts = count_instances(truth, predicted, thresholds=(0.5,))
    assert counts.true_positives.tolist() == [2]
    assert counts.iou_sum.tolist() == [1.0]


def test_below_half_the_most_pairs_are_made() -> None:
    # 1 overlaps A by 4/9 and B by 3/9, 2 overlaps A by 3/9: taking 1–A first would leave 2 and B alone.
    truth = np.array([[1] * 8 + [2] * 4], np.uint8)
    predicted = np.array([[2] * 3 + [1] * 9], np.uint8)
    counts = count_instances(truth, predicted, thresholds=(0.3,))
    assert counts.true_positives.tolist() == [2]
    np.testing.assert_allclose(counts.iou_sum, [3 / 8 + 4 / 9])


def test_a_picture_worked_by_hand() -> None:
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3]], np.uint8)
    predicted = np.array([[7, 7, 7, 0, 0, 4, 4, 4, 0]], np.uint8)
    counts = count_instances(truth, predicted, thresholds=(0.5, 0.7, 1.0), size_edges=(2, 4))
    assert counts.true_positives.tolist() == [2, 1, 0]  # IoU 3/4 and 2/3
    assert counts.false_positives.tolist() == [0, 1, 2]
    assert counts.false_negatives.tolist() == [1, 2, 3]
    np.testing.assert_allclose(counts.iou_sum, [3 / 4 + 2 / 3, 3 / 4, 0])
    assert counts.found_by_size.tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert counts.missed_by_size.tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    np.testing.assert_allclose(average_precision_at(counts), [2 / 3, 1 / 4, 0])
    np.testing.assert_allclose(mean_true_iou(counts), [(3 / 4 + 2 / 3) / 3, 1 / 4, 0])
    np.testing.assert_array_equal(recall_by_size(counts)[0], [0, 1, 1])


def test_ids_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (np.kron(rng.integers(0, 9, (6, 6)), np.ones((3, 3), int)).astype(np.uint16) for _ in range(2))
    renamed = np.concatenate([[0], 500 + rng.permutation(9)]).astype(np.uint16)
    one, other = count_instances(truth, predicted), count_instances(renamed[truth], predicted)
    np.testing.assert_array_equal(one.true_positives, other.true_positives)
    np.testing.assert_allclose(one.iou_sum, other.iou_sum)


@given(arrays.arrays(np.uint8, (3, 5, 6), elements=st.sampled_from([0, 1, 2, 200])))
def test_void_pixels_of_the_truth_count_nowhere(maps: np.ndarray) -> None:
    truth, predicted, other = maps
    void = truth == 200
    one = count_instances(truth, predicted, ignore=200)
    changed = count_instances(truth, np.where(void, other, predicted), ignore=200)
    blank = count_instances(np.where(void, 0, truth), np.where(void, 0, predicted))
    for counts in (changed, blank):
        for name in ("true_positives", "false_positives", "false_negatives", "iou_sum", "found_by_size"):
            np.testing.assert_array_equal(getattr(counts, name), getattr(one, name))


EMPTY, ONE = np.zeros((3, 3), np.uint8), np.eye(3, dtype=np.uint8)


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        (EMPTY, EMPTY, [np.nan] * 7),
        (EMPTY, ONE, [0, 0, np.nan, 0, np.nan, np.nan, 0]),
        (ONE, EMPTY, [0, np.nan, 0, 0, np.nan, 0, 0]),
        (ONE, ONE, [1] * 7),
    ],
)
def test_empty_pictures_are_defined(truth: np.ndarray, predicted: np.ndarray, expected: list[float]) -> None:
    counts = count_instances(truth, predicted)
    for figure, value in zip(FIGURES, expected, strict=True):
        np.testing.assert_array_equal(figure(counts), [value] * len(THRESHOLDS))


def test_counts_add_up_and_figures_take_many_pictures_at_once() -> None:
    rng = np.random.default_rng(1)
    pictures = [count_instances(*rng.integers(0, 3, (2, 4, 4)).astype(np.uint8)) for _ in range(5)]
    many = stack(pictures)
    for figure in (*FIGURES, recall_by_size):
        np.testing.assert_array_equal(figure(many), np.stack([figure(each) for each in pictures]))
    np.testing.assert_array_equal(total(many).iou_sum, np.sum([each.iou_sum for each in pictures], axis=0))
    back = from_plain(InstanceCounts, to_plain(many))
    assert (back.thresholds, back.size_edges) == (THRESHOLDS, SIZE_EDGES)
    np.testing.assert_array_equal(back.found_by_size, many.found_by_size)


def test_sizes_have_names() -> None:
    assert size_names((64, 256)) == ("under 64 px", "64–255 px", "256 px and more")
    assert size_names((9,)) == ("under 9 px", "9 px and more")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^here: the truth is 3×3 pixels and the prediction 3×2"):
        count_instances(ONE, ONE[:2], where="here")
    for thresholds in ((), (0.0,), (1.1,)):
        with pytest.raises(RecipeError, match=r"thresholds of IoU are .*above 0 and up to 1"):
            count_instances(ONE, ONE, thresholds=thresholds)
    for edges in ((), (0, 4), (4, 4), (9, 4)):
        with pytest.raises(RecipeError, match=r"the size edges are .*ascending order"):
            count_instances(ONE, ONE, size_edges=edges)
    for void in (0, -1):
        with pytest.raises(
            RecipeError, match=rf"^ignore: the id of void pixels is {void}, but 0 is background.*1 or m"
        ):
            count_instances(ONE, ONE, ignore=void)
