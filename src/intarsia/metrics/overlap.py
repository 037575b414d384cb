"""Overlap figures, as pure functions of confusion counts.

Every function takes counts [..., K+1, K+1] as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them
(truth in rows, prediction in columns, void last), of one picture, of a data set (the sum over pictures) or of many at
once. Counts may be float64 as long as they are exact (below 2⁵³).

Void is *excluded*: a pixel whose truth is void counts nowhere. A void prediction on a pixel of a class is a miss of
that class. With, of one class, TP pixels true and predicted, FP predicted elsewhere and FN missed::

    IoU       = TP / (TP + FP + FN)
    Dice      = 2 TP / (2 TP + FP + FN)
    precision = TP / (TP + FP)
    recall    = TP / (TP + FN)

A figure whose denominator is zero (for IoU and Dice: a class absent from truth and prediction) is undefined: NaN, and
no mean includes it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

Counts = Int64[np.ndarray, "*batch k1 k1"] | Float64[np.ndarray, "*batch k1 k1"]


def iou(confusion: Counts) -> Float64[np.ndarray, "*batch k1-1"]:
    """Intersection over union (Jaccard index) of each class, in [0, 1] or NaN."""
    hits, true, predicted = _marginals(confusion)
    return _ratio(hits, true + predicted - hits)


def dice(confusion: Counts) -> Float64[np.ndarray, "*batch k1-1"]:
    """Dice coefficient (F1 score) of each class, in [0, 1] or NaN; equal to 2·IoU / (1 + IoU)."""
    hits, true, predicted = _marginals(confusion)
    return _ratio(2 * hits, true + predicted)


def precision(confusion: Counts) -> Float64[np.ndarray, "*batch k1-1"]:
    """The share of each class's predicted pixels that are right, in [0, 1]; NaN for a class that is never predicted."""
    hits, _, predicted = _marginals(confusion)
    return _ratio(hits, predicted)


def recall(confusion: Counts) -> Float64[np.ndarray, "*batch k1-1"]:
    """The share of each class's true pixels that are found, in [0, 1]; NaN for a class absent from the truth."""
    hits, true, _ = _marginals(confusion)
    return _ratio(hits, true)


def support(confusion: Counts) -> Int64[np.ndarray, "*batch k1-1"] | Float64[np.ndarray, "*batch k1-1"]:
    """The true pixels of each class."""
    return _marginals(confusion)[1]


def pixel_accuracy(confusion: Counts) -> Float64[np.ndarray, "*batch"]:
    """The share of the pixels whose truth is not void that are right, in [0, 1]; NaN when all are void."""
    hits, true, _ = _marginals(confusion)
    return _ratio(hits.sum(axis=-1), true.sum(axis=-1))


def mean_iou(confusion: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`iou` over the classes present in truth or prediction; NaN when there is none."""
    return mean_of_defined(iou(confusion), axis=-1)


def mean_dice(confusion: Counts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`dice` over the classes present in truth or prediction; NaN when there is none."""
    return mean_of_defined(dice(confusion), axis=-1)


def mean_of_defined(values: Float64[np.ndarray, "*shape"], axis: int) -> Float64[np.ndarray, "*rest"]:
    """The mean along ``axis`` of the values that are not NaN; NaN where there is none.

    ``mean_of_defined(iou(table.confusion), axis=0)`` is the mean over images of each class's per-image IoU, with the
    images from whose truth and prediction the class is absent left out.
    """
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))


def _marginals(confusion: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, true pixels and predicted pixels of each class, over the pixels whose truth is a class."""
    counted = confusion[..., :-1, :]
    hits = np.diagonal(counted, axis1=-2, axis2=-1)
    return hits, counted.sum(axis=-1), counted[..., :-1].sum(axis=-2)


def _ratio(numerator: np.ndarray | np.generic, denominator: np.ndarray | np.generic) -> np.ndarray:
    quotient = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient
