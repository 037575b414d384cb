"""Figures of labels that are decided by a threshold: one label (binary), or several that may overlap (multi-label).

The score of each label and pixel, a probability such as the sigmoid of a logit, is counted in one of B bins of equal
width over [0, 1], apart for pixels that are truly of the label and for those that are not. A label is predicted where
its score is **at least** the threshold; at the lower edge of a bin every figure is therefore exact, and no other
threshold is offered. With 256 bins these are 0, 1/256, … 255/256, which floats hold exactly, 0.5 among them.

With, of one label at one threshold, TP pixels true and predicted, FP predicted elsewhere, FN missed, TN the rest::

    IoU       = TP / (TP + FP + FN)    recall (sensitivity) = TP / (TP + FN)
    Dice      = F-beta with β = 1      specificity          = TN / (TN + FP)
    precision = TP / (TP + FP)         F-beta = (1 + β²) TP / ((1 + β²) TP + β² FN + FP)

A figure whose denominator is zero is undefined: NaN. Void pixels count nowhere.

*Macro* figures are means of the labels' figures (:func:`~intarsia.metrics.mean_of_defined` along the last axis);
*micro* figures are those of all labels' pixels together (:func:`micro`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import probability_kernels as kernels
from intarsia.metrics.undefined import ratio
from intarsia.types import LabelMap

_Bins = Int64[np.ndarray, "*batch labels bins"] | Float64[np.ndarray, "*batch labels bins"]
_Pixels = Int64[np.ndarray, "*shape"] | Float64[np.ndarray, "*shape"]
_Figure = Float64[np.ndarray, "*shape"]


@dataclass(frozen=True, eq=False)
class ThresholdCounts:
    """The binned scores of one picture, or of many along the leading axes; additive over pictures.

    Args:
        positive: pixels [..., K, B] that are truly of the label, by bins of their score.
        negative: pixels [..., K, B] that are not, by the same bins.
    """

    positive: _Bins
    negative: _Bins


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Pixels by what became of them, all four of one shape: [..., K] at one threshold, [..., K, B] at all of them.

    Args:
        tp: true positives.
        fp: false positives.
        fn: false negatives.
        tn: true negatives.
    """

    tp: _Pixels
    fp: _Pixels
    fn: _Pixels
    tn: _Pixels


def threshold_counts(
    truth: Bool[np.ndarray, "*truth_size"],
    scores: Shaped[np.ndarray, "*scores_size"],
    *,
    valid: Bool[np.ndarray, "*valid_size"] | None = None,
    bins: int = 256,
    where: str | Path = "mask",
) -> ThresholdCounts:
    """Count the scores of K independent labels.

    Args:
        truth: [K, H, W], whether the pixel is of the label.
        scores: floats [K, H, W] in [0, 1]; sorted into bins as float32, whatever their dtype.
        valid: which pixels count, [H, W] for all labels or [K, H, W] for each; default is all.
        bins: B; the thresholds to choose from are 0, 1/B, … (B − 1)/B.
        where: what to call the picture in an error, its file for instance.

    Raises:
        ShapeError: arrays whose shapes do not fit, or scores that are not floats.
        DataError: scores outside [0, 1] or not finite, also where no pixel counts.
    """
    _check(truth, scores, valid, where)
    bin_edges = kernels.bin_edges(bins)
    positive, negative = np.zeros((2, len(scores), bins), np.int64)
    valid = np.broadcast_to(np.bool_(True) if valid is None else valid, scores.shape)
    for label, of_label in enumerate(scores):
        plane = np.ascontiguousarray(of_label, np.float32).reshape(-1)
        masks = [np.ascontiguousarray(mask[label]).reshape(-1) for mask in (truth, valid)]
        invalid = kernels.count_scores(*masks, plane, bin_edges, positive[label], negative[label])
        if invalid >= 0:
            row, column = divmod(invalid, scores.shape[2])
            raise DataError(
                f"the score of label {label} in row {row}, column {column} is {plane[invalid]:.3g}",
                where=where,
                remedy="Give probabilities from 0 to 1, such as the sigmoid of logits",
            )
    return ThresholdCounts(positive, negative)


def one_against_rest(
    truth: Shaped[np.ndarray, "height width"], label_map: LabelMap, where: str | Path = "mask"
) -> tuple[Bool[np.ndarray, "classes height width"], Bool[np.ndarray, "height width"]]:
    """Split a mask of ids into one label a class, and the pixels that are not void: what scores are counted against.

    For two classes, ``truth[1:]`` with ``probabilities[1:]`` is the binary case.

    Raises:
        DataError: an id that is neither a class nor the ignore id.
    """
    indices = label_map.ids_to_indices(truth, where)
    labels = np.arange(label_map.num_classes)[:, None, None]
    return np.equal(indices, labels), np.greater_equal(indices, 0)


def edges(counts: ThresholdCounts) -> Float64[np.ndarray, "bins"]:
    """The thresholds that can be chosen, ascending: 0, 1/B, … (B − 1)/B."""
    bins = counts.positive.shape[-1]
    return np.linspace(0, 1, bins, endpoint=False)


def outcomes(counts: ThresholdCounts) -> Outcomes:
    """What becomes of the pixels at every threshold of :func:`edges`, [..., K, B]."""
    tp, fp = (np.flip(np.flip(each, -1).cumsum(axis=-1), -1) for each in (counts.positive, counts.negative))
    return Outcomes(tp, fp, tp[..., :1] - tp, fp[..., :1] - fp)


def outcomes_at(counts: ThresholdCounts, threshold: float) -> Outcomes:
    """What becomes of the pixels at one threshold, [..., K].

    Raises:
        ShapeError: the threshold is not one of :func:`edges`.
    """
    offered = edges(counts)
    place = int(np.abs(offered - threshold).argmin())
    nearest = float(offered[place])
    if abs(nearest - threshold) > 1e-6:
        raise ShapeError(
            f"the threshold {threshold} is not one of the {len(offered)} that were counted",
            where="threshold",
            remedy=f"Choose a multiple of 1/{len(offered)} below 1, such as {nearest:.6g}, or count in other bins",
        )
    curves = outcomes(counts)
    return Outcomes(*(each[..., place] for each in (curves.tp, curves.fp, curves.fn, curves.tn)))


def micro(counts: ThresholdCounts) -> ThresholdCounts:
    """The pixels of all labels together as those of a single one: its figures are micro averages."""
    return ThresholdCounts(counts.positive.sum(axis=-2, keepdims=True), counts.negative.sum(axis=-2, keepdims=True))


def iou(pixels: Outcomes) -> _Figure:
    """Intersection over union (Jaccard index), in [0, 1]; NaN for a label neither true nor predicted anywhere."""
    return ratio(pixels.tp, pixels.tp + pixels.fp + pixels.fn)


def dice(pixels: Outcomes) -> _Figure:
    """Dice coefficient (F1 score), in [0, 1]; NaN for a label neither true nor predicted anywhere."""
    return f_beta(pixels, 1.0)


def precision(pixels: Outcomes) -> _Figure:
    """The share of the predicted pixels that are right, in [0, 1]; NaN where none is predicted."""
    return ratio(pixels.tp, pixels.tp + pixels.fp)


def recall(pixels: Outcomes) -> _Figure:
    """The share of the true pixels that are found, in [0, 1]; NaN for a label absent from the truth."""
    return ratio(pixels.tp, pixels.tp + pixels.fn)


def specificity(pixels: Outcomes) -> _Figure:
    """The share of the other pixels that are left alone, in [0, 1]; NaN where the label covers all."""
    return ratio(pixels.tn, pixels.tn + pixels.fp)


def f_beta(pixels: Outcomes, beta: float) -> _Figure:
    """The weighted harmonic mean of precision and recall, recall weighing ``beta`` times as much; in [0, 1] or NaN.

    van Rijsbergen, Information Retrieval, 1979, chapter 7.
    """
    hits = (1 + beta**2) * pixels.tp
    return ratio(hits, hits + beta**2 * pixels.fn + pixels.fp)


def best_threshold(counts: ThresholdCounts) -> tuple[_Figure, _Figure]:
    """The threshold with the highest Dice of each label, and that Dice; NaN for a label without a true pixel.

    Choose it on the pooled counts of *validation* pictures: a threshold chosen on the pictures that are then scored
    makes the score too good. Of equally good thresholds the one nearest to 0.5 is taken.

    Returns:
        Thresholds and Dice, both [..., K].
    """
    curves = outcomes(counts)
    scores = np.where(curves.tp[..., :1] > 0, dice(curves), np.nan)
    best = np.where(np.isnan(scores), -1.0, scores).max(axis=-1)
    distance = np.where(scores == best[..., None], np.abs(edges(counts) - 0.5), np.inf)
    return np.where(best < 0, np.nan, edges(counts)[distance.argmin(axis=-1)]), np.where(best < 0, np.nan, best)


def average_precision(counts: ThresholdCounts) -> _Figure:
    """The mean precision over recall, Σ (Rᵢ − Rᵢ₊₁) Pᵢ over the thresholds, [..., K] in [0, 1].

    The non-interpolated area under the precision–recall curve, of scores rounded down to their bins; NaN for a label
    without a true pixel.
    """
    curves = outcomes(counts)
    gained = counts.positive * np.where(curves.tp > 0, precision(curves), 0.0)
    return ratio(gained.sum(axis=-1), counts.positive.sum(axis=-1))


def roc_auc(counts: ThresholdCounts) -> _Figure:
    """The probability that a true pixel has a higher score than another one, equal bins counting half; [..., K].

    The area under the receiver operating characteristic (Hanley & McNeil, 1982), of scores rounded down to their bins;
    NaN for a label that covers no pixel or all.
    """
    lower = counts.negative.cumsum(axis=-1) - counts.negative / 2
    pairs = counts.positive.sum(axis=-1, dtype=np.float64) * counts.negative.sum(axis=-1)
    return ratio((counts.positive * lower).sum(axis=-1), pairs)


def _check(
    truth: Bool[np.ndarray, "*truth_size"],
    scores: Shaped[np.ndarray, "*scores_size"],
    valid: Bool[np.ndarray, "*valid_size"] | None,
    where: str | Path,
) -> None:
    if scores.ndim != 3 or scores.dtype.kind != "f":
        raise ShapeError(
            f"the scores are {scores.dtype} of shape {scores.shape}",
            where=where,
            remedy="Give floats of shape (labels, height, width)",
        )
    if truth.shape != scores.shape:
        raise ShapeError(
            f"the truth has the shape {truth.shape} and the scores {scores.shape}",
            where=where,
            remedy="Give one truth and one score a label and pixel, at the picture's own size",
        )
    if valid is not None and valid.shape not in (scores.shape, scores.shape[1:]):
        raise ShapeError(
            f"the valid mask has the shape {valid.shape}, and the scores {scores.shape}",
            where=where,
            remedy="Give one valid mask for all labels (height, width), or one for each (labels, height, width)",
        )
