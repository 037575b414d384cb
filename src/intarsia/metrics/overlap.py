"""Overlap figures, as pure functions of counted pixels.

Every function takes :class:`~intarsia.metrics.class_counts.ClassCounts` [..., K+1], of one picture, of a data set (the
sum over pictures) or of many at once; or, for short, the joint counts [..., K+1, K+1] of
:func:`~intarsia.metrics.confusion.confusion_matrix`, which are then counted under the convention ``exclude``. Counts
may be float64 as long as they are exact (below 2⁵³).

With, of one class, TP pixels true and predicted, FP predicted elsewhere, FN missed and TN all other counted pixels::

    IoU       = TP / (TP + FP + FN)        precision   = TP / (TP + FP)
    Dice      = 2 TP / (2 TP + FP + FN)    recall      = TP / (TP + FN)
                                           specificity = TN / (TN + FP)

A figure whose denominator is zero (for IoU and Dice: a class absent from truth and prediction) is undefined: NaN, and
no mean includes it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics.class_counts import ClassCounts, Confusion, class_counts
from intarsia.metrics.undefined import mean_of_defined, ratio

Counts = ClassCounts | Confusion


def iou(counts: Counts) -> Float64[np.ndarray, "*batch k"]:
    """Intersection over union (Jaccard index) of each class, in [0, 1] or NaN."""
    hits, true, predicted = _of_classes(counts)
    return ratio(hits, true + predicted - hits)


def dice(counts: Counts) -> Float64[np.ndarray, "*batch k"]:
    """Dice coefficient (F1 score) of each class, in [0, 1] or NaN; equal to 2·IoU / (1 + IoU)."""
    hits, true, predicted = _of_classes(counts)
    return ratio(2 * hits, true + predicted)


def precision(counts: Counts) -> Float64[np.ndarray, "*batch k"]:
    """The share of each class's predicted pixels that are right, in [0, 1]; NaN for a class that is never predicted."""
    hits, _, predicted = _of_classes(counts)
    return ratio(hits, predicted)


def recall(counts: Counts) -> Float64[np.ndarray, "*batch k"]:
    """The share of each class's true pixels that are found, in [0, 1]; NaN for a class absent from the truth.

    Also called sensitivity, and accuracy of a class.
    """
    hits, true, _ = _of_classes(counts)
    return ratio(hits, true)


def specificity(counts: Counts) -> Float64[np.ndarray, "*batch k"]:
    """The share of the pixels not of a class that are not predicted as it, in [0, 1]; NaN where there are none."""
    hits, true, predicted = _of_classes(counts)
    others = _pixels(counts)[..., None] - true
    return ratio(others - (predicted - hits), others)


def support(counts: Counts) -> Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]:
    """The counted true pixels of each class."""
    return _of_classes(counts)[1]


def pixel_accuracy(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """The share of the counted pixels on which truth and prediction agree, in [0, 1]; NaN when none is counted."""
    return ratio(_with_void(counts).hits.sum(axis=-1), _pixels(counts))


def mean_iou(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`iou` over the classes present in truth or prediction; NaN when there is none."""
    return mean_of_defined(iou(counts), axis=-1)


def mean_dice(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`dice` over the classes present in truth or prediction; NaN when there is none."""
    return mean_of_defined(dice(counts), axis=-1)


def mean_accuracy(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`recall` over the classes of the truth (mean class accuracy, mAcc); NaN if there is none."""
    return mean_of_defined(recall(counts), axis=-1)


def mean_specificity(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`specificity` over the classes where it is defined; NaN when there is none."""
    return mean_of_defined(specificity(counts), axis=-1)


def frequency_weighted_iou(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """IoU averaged with each class's share of the true pixels as its weight (Long et al., CVPR 2015, section 5)."""
    hits, true, predicted = _of_classes(counts)
    each = ratio(hits, true + predicted - hits)
    return ratio(np.where(true > 0, true * each, 0.0).sum(axis=-1), true.sum(axis=-1))


def cohens_kappa(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """Agreement beyond chance, κ in [−1, 1] (Cohen 1960).

    κ = (p₀ − pₑ) / (1 − pₑ): p₀ is the share of counted pixels on which truth and prediction agree, pₑ the share on
    which they would by chance, given how often each uses each class. Predicted void counts as one more class. NaN
    where chance alone explains everything: when both use a single class.
    """
    of = _with_void(counts)
    pixels = _pixels(counts).astype(np.float64)
    hits = of.hits.sum(axis=-1) * pixels
    by_chance = (of.true.astype(np.float64) * of.predicted).sum(axis=-1)
    return ratio(hits - by_chance, pixels**2 - by_chance)


def generalized_dice(counts: Counts) -> Float64[np.ndarray, "*batch"]:
    """Dice pooled over classes, each weighing 1 / (its true pixels)², in [0, 1] (Crum 2006; Sudre et al. 2017, eq. 2).

    Small classes weigh as much as large ones. A class that is predicted but never true weighs as if it had one true
    pixel: its true weight would be infinite. NaN when no class is present.
    """
    hits, true, predicted = _of_classes(counts)
    weights = 1.0 / np.maximum(true, 1.0) ** 2
    return ratio(2 * (weights * hits).sum(axis=-1), (weights * (true + predicted)).sum(axis=-1))


def _with_void(counts: Counts) -> ClassCounts:
    return counts if isinstance(counts, ClassCounts) else class_counts(counts)


def _of_classes(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, true pixels and predicted pixels of each class, without void."""
    of = _with_void(counts)
    return of.hits[..., :-1], of.true[..., :-1], of.predicted[..., :-1]


def _pixels(counts: Counts) -> np.ndarray:
    """How many pixels count."""
    return np.asarray(_with_void(counts).true.sum(axis=-1))
