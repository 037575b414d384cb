"""Threshold figures: hand-worked answers, a literal reference, and agreement with torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import (
    BinaryAUROC,
    BinaryAveragePrecision,
    BinaryFBetaScore,
    BinaryJaccardIndex,
    BinaryPrecisionRecallCurve,
    BinaryROC,
    BinarySpecificity,
    MultilabelAveragePrecision,
    MultilabelF1Score,
    MultilabelJaccardIndex,
)

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import counts as joint
from intarsia.metrics import mean_of_defined, thresholds
from intarsia.metrics.thresholds import ThresholdCounts, outcomes, outcomes_at, threshold_counts
from intarsia.types import LabelMap

Picture = tuple[np.ndarray, np.ndarray, np.ndarray]
FIGURES = (thresholds.iou, thresholds.dice, thresholds.precision, thresholds.recall, thresholds.specificity)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Truth, scores that know something of it (many of them on edges), and which pixels count for which label."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = (3, *draw(st.tuples(st.integers(1, 8), st.integers(1, 8))))
    truth = rng.random(size) < draw(st.floats(0, 1))
    scores = (rng.random(size) + truth * draw(st.floats(0, 1))) / 2
    scores = np.where(rng.random(size) < 0.5, scores, np.floor(scores * 8) / 8)
    return truth, scores.astype(np.float32), rng.random(size) < 0.8


def reference(truth: np.ndarray, scores: np.ndarray, valid: np.ndarray, threshold: float) -> dict[str, list[float]]:
    """Every figure as its definition reads, label by label."""
    found: dict[str, list[float]] = {figure.__name__: [] for figure in FIGURES}
    for label in range(len(truth)):
        true, predicted = truth[label][valid[label]], scores[label][valid[label]] >= np.float32(threshold)
        tp, fp = int((true & predicted).sum()), int((~true & predicted).sum())
        fn, tn = int((true & ~predicted).sum()), int((~true & ~predicted).sum())
        for name, (over, under) in {
            "iou": (tp, tp + fp + fn),
            "dice": (2 * tp, 2 * tp + fp + fn),
            "precision": (tp, tp + fp),
            "recall": (tp, tp + fn),
            "specificity": (tn, tn + fp),
        }.items():
            found[name].append(over / under if under else np.nan)
    return found


@given(pictures(), st.sampled_from([1, 8, 10, 256]))
def test_every_figure_is_exact_at_every_edge(picture: Picture, bins: int) -> None:
    truth, scores, valid = picture
    counts = threshold_counts(truth, scores, valid=valid, bins=bins)
    curves = outcomes(counts)
    for place in {0, bins // 3, bins // 2, bins - 1}:
        threshold = thresholds.edges(counts)[place]
        expected = reference(truth, scores, valid, threshold)
        for figure in FIGURES:
            np.testing.assert_allclose(figure(outcomes_at(counts, threshold)), expected[figure.__name__])
            np.testing.assert_allclose(figure(curves)[:, place], expected[figure.__name__])


def test_a_hand_worked_answer() -> None:
    truth = np.array([[[True, True, False, False, True]]])
    scores = np.array([[[0.9, 0.5, 0.5, 0.1, 0.2]]])
    counts = threshold_counts(truth, scores, bins=10)
    at_half = outcomes_at(counts, 0.5)
    assert (int(at_half.tp[0]), int(at_half.fp[0]), int(at_half.fn[0]), int(at_half.tn[0])) == (2, 1, 1, 1)
    assert thresholds.iou(at_half) == 2 / 4
    assert thresholds.f_beta(at_half, 2.0) == pytest.approx(5 * 2 / (5 * 2 + 4 * 1 + 1))
    threshold, dice = thresholds.best_threshold(counts)
    assert threshold == pytest.approx(0.2)  # three of three with one false: 6/7
    assert dice == pytest.approx(6 / 7)
    # Descending, 0.9 is right; the tie at 0.5 brings one right and one wrong; 0.2 is right.
    assert thresholds.average_precision(counts) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    # Pairs of a true and another: 0.9 beats both, 0.5 ties one and beats one, 0.2 beats one.
    assert thresholds.roc_auc(counts) == pytest.approx((2 + 1.5 + 1) / 6)


def test_agrees_with_torchmetrics_on_one_label() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((1, 70, 60)) < 0.2
    scores = ((rng.random(truth.shape) + truth) / 2).astype(np.float32)
    valid = rng.random(truth.shape[1:]) < 0.9
    counts = threshold_counts(truth, scores, valid=valid)
    preds, target = torch.from_numpy(scores[0]), torch.from_numpy(np.where(valid, truth[0], -1))
    for threshold in (0.25, 0.5, 0.75):
        at = outcomes_at(counts, threshold)
        # torchmetrics asks for more than the threshold; no score here is equal to it.
        for metric, ours in (
            (BinaryJaccardIndex(threshold, ignore_index=-1), thresholds.iou(at)),
            (BinaryFBetaScore(2.0, threshold, ignore_index=-1), thresholds.f_beta(at, 2.0)),
            (BinarySpecificity(threshold, ignore_index=-1), thresholds.specificity(at)),
        ):
            assert ours == pytest.approx(float(metric(preds, target)), abs=1e-6)
    edges = torch.from_numpy(thresholds.edges(counts)).float()
    curves = outcomes(counts)
    precision, recall, _ = BinaryPrecisionRecallCurve(edges, ignore_index=-1)(preds, target)
    np.testing.assert_allclose(recall[:-1], thresholds.recall(curves)[0], atol=1e-6)
    np.testing.assert_allclose(precision[:-1], np.nan_to_num(thresholds.precision(curves)[0]), atol=1e-6)
    average = BinaryAveragePrecision(edges, ignore_index=-1)(preds, target)
    assert thresholds.average_precision(counts) == pytest.approx(float(average), abs=1e-6)
    with_end = torch.cat([edges, torch.ones(1)])  # ROC curves there start at the last threshold, not at (0, 0)
    fpr, tpr, _ = BinaryROC(with_end, ignore_index=-1)(preds, target)
    np.testing.assert_allclose(tpr[1:].flip(0), thresholds.recall(curves)[0], atol=1e-6)
    np.testing.assert_allclose(fpr[1:].flip(0), 1 - thresholds.specificity(curves)[0], atol=1e-6)
    area = BinaryAUROC(thresholds=with_end, ignore_index=-1)(preds, target)
    assert thresholds.roc_auc(counts) == pytest.approx(float(area), abs=1e-6)
    exact = BinaryAUROC(ignore_index=-1)(preds, target)
    assert thresholds.roc_auc(counts) == pytest.approx(float(exact), abs=1e-3)


def test_agrees_with_torchmetrics_on_labels_that_overlap() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((4, 50, 40)) < rng.random((4, 1, 1))
    scores = ((rng.random(truth.shape) + truth) / 2).astype(np.float32)
    valid = rng.random(truth.shape) < 0.9
    counts = threshold_counts(truth, scores, valid=valid)
    target = torch.from_numpy(np.where(valid, truth, -1))[None]
    preds = torch.from_numpy(scores)[None]
    at, pooled = (outcomes_at(each, 0.5) for each in (counts, thresholds.micro(counts)))
    of_labels = MultilabelF1Score(4, average="none", ignore_index=-1)(preds, target)
    np.testing.assert_allclose(thresholds.dice(at), of_labels, atol=1e-6)
    macro = MultilabelF1Score(4, average="macro", ignore_index=-1)(preds, target)
    assert mean_of_defined(thresholds.dice(at), axis=-1) == pytest.approx(float(macro), abs=1e-6)
    micro = MultilabelF1Score(4, average="micro", ignore_index=-1)(preds, target)
    assert thresholds.dice(pooled)[0] == pytest.approx(float(micro), abs=1e-6)
    iou = MultilabelJaccardIndex(4, average="none", ignore_index=-1)(preds, target)
    np.testing.assert_allclose(thresholds.iou(at), iou, atol=1e-6)
    edges = torch.from_numpy(thresholds.edges(counts)).float()
    average = MultilabelAveragePrecision(4, average="none", thresholds=edges, ignore_index=-1)(preds, target)
    np.testing.assert_allclose(thresholds.average_precision(counts), average, atol=1e-6)


@given(pictures(), st.integers(0, 2**32))
def test_pixels_that_do_not_count_influence_nothing(picture: Picture, seed: int) -> None:
    truth, scores, valid = picture
    rng = np.random.default_rng(seed)
    for mask in (valid, valid[0]):
        changed = np.where(mask, truth, ~truth), np.where(mask, scores, rng.random(scores.shape, np.float32))
        counts, others = threshold_counts(truth, scores, valid=mask), threshold_counts(*changed, valid=mask)
        np.testing.assert_array_equal(counts.positive, others.positive)
        np.testing.assert_array_equal(counts.negative, others.negative)
        assert (counts.positive + counts.negative).sum() == np.broadcast_to(mask, truth.shape).sum()


@given(st.lists(pictures(), min_size=2, max_size=3))
def test_counts_add_up_over_pictures(several: list[Picture]) -> None:
    counts = [threshold_counts(truth, scores, valid=valid) for truth, scores, valid in several]
    stacked = joint.stack(counts)
    truth, scores, valid = (
        np.concatenate([array.reshape(3, 1, -1) for array in arrays], axis=-1) for arrays in zip(*several, strict=True)
    )
    added, as_one = joint.total(stacked), threshold_counts(truth, scores, valid=valid)
    np.testing.assert_array_equal(added.positive, as_one.positive)
    np.testing.assert_array_equal(added.negative, as_one.negative)
    again = joint.from_plain(ThresholdCounts, joint.to_plain(stacked))
    np.testing.assert_array_equal(again.positive, stacked.positive)
    for figure in (thresholds.average_precision, thresholds.roc_auc, lambda each: thresholds.best_threshold(each)[0]):
        np.testing.assert_array_equal(figure(stacked), [figure(each) for each in counts])


@given(pictures())
def test_the_best_threshold_is_the_best(picture: Picture) -> None:
    truth, scores, valid = picture
    counts = threshold_counts(truth, scores, valid=valid)
    threshold, dice = thresholds.best_threshold(counts)
    every = thresholds.dice(outcomes(counts))
    for label in range(3):
        if not (truth & valid)[label].any():
            assert np.isnan(threshold[label])
            assert np.isnan(dice[label])
            continue
        assert dice[label] == np.nanmax(every[label])
        ties = thresholds.edges(counts)[every[label] == dice[label]]
        assert abs(threshold[label] - 0.5) == np.abs(ties - 0.5).min()
        assert thresholds.dice(outcomes_at(counts, float(threshold[label])))[label] == dice[label]


def test_what_is_undefined() -> None:
    truth = np.stack([np.zeros((2, 2), bool), np.ones((2, 2), bool)])
    counts = threshold_counts(truth, np.zeros((2, 2, 2), np.float32))  # nothing is predicted
    at = outcomes_at(counts, 0.5)
    np.testing.assert_array_equal(thresholds.iou(at), [np.nan, 0])
    np.testing.assert_array_equal(thresholds.dice(at), [np.nan, 0])
    np.testing.assert_array_equal(thresholds.precision(at), [np.nan, np.nan])
    np.testing.assert_array_equal(thresholds.recall(at), [np.nan, 0])
    np.testing.assert_array_equal(thresholds.specificity(at), [1, np.nan])
    np.testing.assert_array_equal(thresholds.average_precision(counts), [np.nan, 1])
    np.testing.assert_array_equal(thresholds.roc_auc(counts), [np.nan, np.nan])


def test_classes_become_labels() -> None:
    labels = LabelMap(("background", "lung"), ids=(0, 255), ignore=3)
    truth, valid = thresholds.one_against_rest(np.array([[0, 255, 3]], np.uint8), labels)
    np.testing.assert_array_equal(truth, [[[True, False, False]], [[False, True, False]]])
    np.testing.assert_array_equal(valid, [[True, True, False]])


def test_float32_scores_on_an_edge_lie_above_it() -> None:
    scores = np.array([[[0.7, 0.3, 1.0]]], np.float32)  # 0.7 as float32 is less than 0.7
    counts = threshold_counts(np.ones((1, 1, 3), bool), scores, bins=10)
    np.testing.assert_array_equal(np.flatnonzero(counts.positive[0]), [3, 7, 9])


def test_what_does_not_fit_is_refused() -> None:
    truth, scores = np.zeros((2, 3, 4), bool), np.full((2, 3, 4), 0.5, np.float32)
    for value in (1.5, -0.1, np.nan):
        wrong = scores.copy()
        wrong[1, 2, 1] = value
        with pytest.raises(DataError, match=r"b.png: the score of label 1 in row 2, column 1 is .*sigmoid of logits"):
            threshold_counts(truth, wrong, valid=np.zeros((3, 4), bool), where="b.png")
    with pytest.raises(ShapeError, match=r"the truth has the shape \(1, 3, 4\) and the scores \(2, 3, 4\)"):
        threshold_counts(truth[:1], scores)
    with pytest.raises(ShapeError, match=r"the scores are int64.*Give floats of shape \(labels, height, width\)"):
        threshold_counts(truth, scores.astype(np.int64))
    with pytest.raises(ShapeError, match=r"the valid mask has the shape \(2,\)"):
        threshold_counts(truth, scores, valid=np.ones(2, bool))
    with pytest.raises(ShapeError, match=r"0.3 is not one of the 256.* such as 0.300781"):
        outcomes_at(threshold_counts(truth, scores), 0.3)
    with pytest.raises(ShapeError, match=r"1.0 is not one of the 256.* such as 0.996094"):
        outcomes_at(threshold_counts(truth, scores), 1.0)
