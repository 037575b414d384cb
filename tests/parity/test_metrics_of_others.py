"""Figures of other programs on random masks, wherever their conventions coincide with ours.

Where they do not, and why ours differ, is listed in docs/reference/conventions.md.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from torchmetrics.segmentation import DiceScore, MeanIoU

from intarsia.metrics import (
    class_counts,
    confusion_matrix,
    dice,
    generalized_dice,
    iou,
    mean_iou,
    mean_of_defined,
    pixel_accuracy,
    precision,
    recall,
    specificity,
)
from intarsia.metrics.class_counts import ClassCounts
from intarsia.metrics.counts import total
from intarsia.types import LabelMap

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of optional packages that are not there
    from monai.metrics import DiceMetric, GeneralizedDiceScore
    from monai.metrics import MeanIoU as MonaiMeanIoU
    from monai.metrics.confusion_matrix import compute_confusion_matrix_metric, get_confusion_matrix

CLASSES, IMAGES = 4, 5
LABELS = LabelMap(tuple(f"class {k}" for k in range(CLASSES)))


@pytest.fixture(scope="module")
def masks() -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction [images, H, W]; the last class is missing from both in the first image."""
    rng = np.random.default_rng(0)
    truth = rng.choice(CLASSES, (IMAGES, 30, 40), p=(0.6, 0.25, 0.1, 0.05)).astype(np.uint8)
    kept = np.linspace(0.4, 0.95, IMAGES)[:, None, None]  # some images are predicted far better than others
    predicted = np.where(rng.random(truth.shape) < kept, truth, rng.integers(0, CLASSES, truth.shape)).astype(np.uint8)
    truth[0][truth[0] == 3] = predicted[0][predicted[0] == 3] = 0
    return truth, predicted


@pytest.fixture(scope="module")
def counts(masks: tuple[np.ndarray, np.ndarray]) -> ClassCounts:
    return class_counts(np.stack([confusion_matrix(t, p, LABELS) for t, p in zip(*masks, strict=True)]))


def one_hot(mask: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(mask).long(), CLASSES).movedim(-1, 1)


def test_monai_counts_each_image_as_we_do(masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts) -> None:
    truth, predicted = map(one_hot, masks)
    for metric, figure in ((DiceMetric, dice), (MonaiMeanIoU, iou)):
        theirs = metric(include_background=True, reduction="none")(predicted, truth).numpy()
        ours = figure(counts)
        np.testing.assert_allclose(theirs[1:], ours[1:], rtol=1e-6)
        # A class absent from both is undefined there too (ignore_empty=True, their default).
        np.testing.assert_array_equal(np.isnan(theirs), np.isnan(ours))


def test_monai_averages_over_images_as_we_do(masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts) -> None:
    truth, predicted = map(one_hot, masks)
    metric = DiceMetric(include_background=True, reduction="mean_batch")
    metric(predicted, truth)
    np.testing.assert_allclose(metric.aggregate().numpy(), mean_of_defined(dice(counts), axis=0), rtol=1e-6)


def test_monai_rates_agree(masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts) -> None:
    truth, predicted = map(one_hot, masks)
    pooled = get_confusion_matrix(predicted, truth).sum(dim=0)
    for name, figure in (("sensitivity", recall), ("specificity", specificity), ("precision", precision)):
        theirs = compute_confusion_matrix_metric(name, pooled).numpy()
        np.testing.assert_allclose(theirs, figure(total(counts)), rtol=1e-6)


def test_monai_generalized_dice_agrees_where_every_class_is_true(
    masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts
) -> None:
    truth, predicted = map(one_hot, masks)
    theirs = GeneralizedDiceScore(include_background=True, weight_type="square")(predicted, truth).numpy().ravel()
    np.testing.assert_allclose(theirs[1:], generalized_dice(counts)[1:], rtol=1e-5)


def test_torchmetrics_mean_iou_is_our_mean_over_images_not_the_figure_papers_report(
    masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts
) -> None:
    truth, predicted = (torch.from_numpy(mask[1:]).long() for mask in masks)  # images where every class occurs
    theirs = float(MeanIoU(CLASSES, input_format="index")(predicted, truth))
    rest = ClassCounts(counts.hits[1:], counts.true[1:], counts.predicted[1:])
    assert theirs == pytest.approx(float(mean_of_defined(mean_iou(rest), axis=0)), rel=1e-5)
    assert abs(theirs - float(mean_iou(total(rest)))) > 1e-3


def test_torchmetrics_dice_score_agrees_image_by_image(
    masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts
) -> None:
    truth, predicted = (torch.from_numpy(mask[1:]).long() for mask in masks)
    theirs = DiceScore(CLASSES, average="none", input_format="index")(predicted, truth).numpy()
    np.testing.assert_allclose(theirs, mean_of_defined(dice(counts)[1:], axis=0), rtol=1e-5)


def test_smp_reductions_are_our_named_averages(masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts) -> None:
    truth, predicted = (torch.from_numpy(mask).long() for mask in masks)
    stats = smp.metrics.get_stats(predicted, truth, mode="multiclass", num_classes=CLASSES)
    macro = float(smp.metrics.iou_score(*stats, reduction="macro"))
    assert macro == pytest.approx(float(mean_iou(total(counts))), rel=1e-6)
    micro = float(smp.metrics.recall(*stats, reduction="micro"))
    assert micro == pytest.approx(float(pixel_accuracy(total(counts))), rel=1e-6)
    nan_aware = smp.metrics.iou_score(*stats, reduction="none", zero_division=float("nan")).numpy()
    np.testing.assert_allclose(nan_aware, iou(counts), rtol=1e-6)


def test_smp_counts_an_absent_class_as_perfect(masks: tuple[np.ndarray, np.ndarray], counts: ClassCounts) -> None:
    """A documented difference: ``zero_division=1.0`` lifts data sets whose classes are absent from many images."""
    truth, predicted = (torch.from_numpy(mask).long() for mask in masks)
    stats = smp.metrics.get_stats(predicted, truth, mode="multiclass", num_classes=CLASSES)
    theirs = smp.metrics.iou_score(*stats, reduction="none").numpy()
    assert theirs[0, 3] == 1.0
    assert np.isnan(iou(counts)[0, 3])


def test_smp_weighted_imagewise_gives_a_perfect_prediction_less_than_one() -> None:
    """A documented difference: normalised weights are averaged once more, so the best score is 1 / classes."""
    truth = torch.from_numpy(np.random.default_rng(0).integers(0, CLASSES, (2, 8, 8)))
    stats = smp.metrics.get_stats(truth, truth, mode="multiclass", num_classes=CLASSES)
    theirs = smp.metrics.iou_score(*stats, reduction="weighted-imagewise", class_weights=[1.0] * CLASSES)
    assert float(theirs) == pytest.approx(1 / CLASSES)
    mask = truth[0].numpy().astype(np.uint8)
    assert mean_iou(confusion_matrix(mask, mask, LABELS)) == 1
