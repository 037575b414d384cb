"""Overlap figures: known answers, invariants, and agreement with other programs where conventions coincide."""

from __future__ import annotations

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import (
    MulticlassCohenKappa,
    MulticlassF1Score,
    MulticlassJaccardIndex,
    MulticlassRecall,
    MulticlassSpecificity,
)
from torchmetrics.segmentation import GeneralizedDiceScore

from intarsia import metrics
from intarsia.metrics import (
    cohens_kappa,
    confusion_matrix,
    dice,
    frequency_weighted_iou,
    generalized_dice,
    iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    mean_specificity,
    pixel_accuracy,
    precision,
    recall,
    specificity,
)
from intarsia.types import LabelMap

VOID = 255
LABELS = LabelMap(("a", "b", "c", "d"), ignore=VOID)
OF_CLASSES = (iou, dice, precision, recall, specificity)
OF_ALL = (
    pixel_accuracy,
    mean_iou,
    mean_dice,
    mean_accuracy,
    mean_specificity,
    frequency_weighted_iou,
    generalized_dice,
    cohens_kappa,
)
FIGURES = (*OF_CLASSES, *OF_ALL)


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Truth with void and prediction with a little void; any class may be absent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    classes = draw(st.lists(st.integers(0, 3), min_size=1, unique=True))
    size = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    truth = rng.choice([*classes, VOID], size=size).astype(np.uint8)
    predicted = np.where(rng.random(size) < 0.5, truth, rng.choice([*classes, VOID], size=size)).astype(np.uint8)
    return truth, predicted


def counts_of(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return confusion_matrix(*pair, LABELS)


def test_a_hand_worked_answer() -> None:
    #                     a  b  void   rows truth, columns prediction
    confusion = np.array([[6, 1, 1], [2, 4, 0], [9, 9, 9]])
    np.testing.assert_allclose(iou(confusion), [6 / 10, 4 / 7])
    np.testing.assert_allclose(dice(confusion), [12 / 16, 8 / 11])
    np.testing.assert_allclose(precision(confusion), [6 / 8, 4 / 5])
    np.testing.assert_allclose(recall(confusion), [6 / 8, 4 / 6])
    np.testing.assert_array_equal(metrics.support(confusion), [8, 6])
    assert pixel_accuracy(confusion) == 10 / 14
    assert mean_iou(confusion) == pytest.approx((6 / 10 + 4 / 7) / 2)
    assert mean_dice(confusion) == pytest.approx((12 / 16 + 8 / 11) / 2)
    np.testing.assert_allclose(specificity(confusion), [4 / 6, 7 / 8])
    assert mean_specificity(confusion) == pytest.approx((4 / 6 + 7 / 8) / 2)
    assert mean_accuracy(confusion) == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert frequency_weighted_iou(confusion) == pytest.approx((8 * 6 / 10 + 6 * 4 / 7) / 14)
    assert generalized_dice(confusion) == pytest.approx(2 * (6 / 64 + 4 / 36) / (16 / 64 + 11 / 36))
    by_chance = (8 * 8 + 6 * 5) / 14**2  # the predicted void, 1 of 14, never meets a true one
    assert cohens_kappa(confusion) == pytest.approx((10 / 14 - by_chance) / (1 - by_chance))


def test_absent_classes_are_undefined_and_in_no_mean() -> None:
    # Class 1 is predicted but never true; class 2 is neither.
    confusion = np.array([[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(iou(confusion), [0.75, 0.0, np.nan])
    np.testing.assert_array_equal(precision(confusion), [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(recall(confusion), [0.75, np.nan, np.nan])
    assert mean_iou(confusion) == 0.375


def test_an_image_of_void_alone_has_no_figure() -> None:
    truth, predicted = np.full((3, 3), VOID, np.uint8), np.zeros((3, 3), np.uint8)
    for figure in FIGURES:
        assert np.isnan(figure(counts_of((truth, predicted)))).all()
    assert np.isnan(metrics.mean_of_defined(np.full((2, 3), np.nan), axis=0)).all()


@given(mask_pairs())
def test_bounds_and_the_identity_of_dice_and_iou(pair: tuple[np.ndarray, np.ndarray]) -> None:
    confusion = counts_of(pair)
    for figure in FIGURES:
        values = figure(confusion)
        lowest = -1 if figure is cohens_kappa else 0
        assert np.all(np.isnan(values) | ((values >= lowest) & (values <= 1)))
    np.testing.assert_allclose(dice(confusion), 2 * iou(confusion) / (1 + iou(confusion)))


@given(mask_pairs(), st.permutations(range(4)))
def test_renumbering_the_classes_renumbers_the_figures(pair: tuple[np.ndarray, np.ndarray], order: list[int]) -> None:
    confusion = counts_of(pair)
    shuffled = confusion[np.ix_([*order, 4], [*order, 4])]
    for figure in OF_CLASSES:
        np.testing.assert_array_equal(figure(shuffled), figure(confusion)[order])
    for mean in OF_ALL:
        np.testing.assert_allclose(mean(shuffled), mean(confusion), equal_nan=True)


@given(mask_pairs(), st.integers(0, 2**32))
def test_predictions_under_void_change_nothing(pair: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    truth, predicted = pair
    noise = np.random.default_rng(seed).choice([0, 1, 2, 3, VOID], size=truth.shape).astype(np.uint8)
    changed = np.where(truth == VOID, noise, predicted).astype(np.uint8)
    for figure in FIGURES:
        np.testing.assert_array_equal(figure(counts_of((truth, changed))), figure(counts_of((truth, predicted))))


@given(mask_pairs())
def test_a_void_prediction_is_a_miss(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = pair
    counted = truth != VOID
    confusion = counts_of(pair)
    right = (truth == predicted) & counted
    if counted.any():
        assert pixel_accuracy(confusion) == right.sum() / counted.sum()
    for k in range(4):
        if (truth == k).any():
            assert recall(confusion)[k] == right[truth == k].mean()


@given(st.lists(mask_pairs(), min_size=1, max_size=4))
def test_the_figure_of_a_data_set_is_that_of_its_images_laid_end_to_end(
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    together = [np.concatenate([pair[i].ravel() for pair in pairs])[None] for i in range(2)]
    summed = np.sum([counts_of(pair) for pair in pairs], axis=0)
    for figure in FIGURES:
        np.testing.assert_array_equal(figure(summed), figure(counts_of((together[0], together[1]))))


@given(st.lists(mask_pairs(), min_size=1, max_size=4))
def test_many_tables_at_once_equal_one_at_a_time(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    confusion = np.stack([counts_of(pair) for pair in pairs])
    for figure in FIGURES:
        np.testing.assert_array_equal(figure(confusion), np.stack([figure(one) for one in confusion]))
        np.testing.assert_array_equal(figure(confusion.astype(np.float64)), figure(confusion))


def test_the_mean_over_images_leaves_out_images_without_the_class() -> None:
    values = np.array([[0.5, np.nan], [1.0, np.nan], [np.nan, 0.25]])
    np.testing.assert_array_equal(metrics.mean_of_defined(values, axis=0), [0.75, 0.25])


def all_classes_present(void: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (60, 70), dtype=np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 4, truth.shape)).astype(np.uint8)
    if void:
        truth[rng.random(truth.shape) < 0.2] = VOID
    return truth, predicted


@pytest.mark.parametrize("void", [False, True])
def test_torchmetrics_agrees_where_every_class_is_present(void: bool) -> None:
    truth, predicted = all_classes_present(void)
    confusion = counts_of((truth, predicted))
    pair = torch.from_numpy(predicted).long()[None], torch.from_numpy(truth).long()[None]
    theirs = MulticlassJaccardIndex(4, average="none", ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), iou(confusion), rtol=1e-6)
    theirs = MulticlassJaccardIndex(4, average="macro", ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), mean_iou(confusion), rtol=1e-6)
    theirs = MulticlassF1Score(4, average="none", ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), dice(confusion), rtol=1e-6)
    theirs = MulticlassSpecificity(4, average="none", ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), specificity(confusion), rtol=1e-6)
    theirs = MulticlassRecall(4, average="macro", ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), mean_accuracy(confusion), rtol=1e-6)
    theirs = MulticlassCohenKappa(4, ignore_index=VOID)(*pair)
    np.testing.assert_allclose(theirs.numpy(), cohens_kappa(confusion), rtol=1e-5)


def test_torchmetrics_agrees_on_the_generalized_dice() -> None:
    truth, predicted = all_classes_present(void=False)
    truth[:10] = 3  # classes of different sizes, or the weights would not matter
    pair = torch.from_numpy(predicted).long()[None], torch.from_numpy(truth).long()[None]
    theirs = GeneralizedDiceScore(4, weight_type="square", input_format="index")(*pair)
    np.testing.assert_allclose(theirs.numpy(), generalized_dice(counts_of((truth, predicted))), rtol=1e-5)


@pytest.mark.parametrize("void", [False, True])
def test_segmentation_models_pytorch_agrees_on_counts_and_figures(void: bool) -> None:
    truth, predicted = all_classes_present(void)
    confusion = counts_of((truth, predicted))
    tp, fp, fn, tn = smp.metrics.get_stats(
        torch.from_numpy(predicted).long()[None],
        torch.from_numpy(truth).long()[None],
        mode="multiclass",
        num_classes=4,
        ignore_index=VOID,
    )
    hits = np.diag(confusion)[:4]
    np.testing.assert_array_equal(tp[0].numpy(), hits)
    np.testing.assert_array_equal(fp[0].numpy(), confusion[:4, :4].sum(axis=0) - hits)
    np.testing.assert_array_equal(fn[0].numpy(), metrics.support(confusion) - hits)
    for theirs, ours in (
        (smp.metrics.iou_score, iou),
        (smp.metrics.f1_score, dice),
        (smp.metrics.precision, precision),
        (smp.metrics.recall, recall),
    ):
        np.testing.assert_allclose(theirs(tp, fp, fn, tn, reduction="none")[0].numpy(), ours(confusion), rtol=1e-6)
