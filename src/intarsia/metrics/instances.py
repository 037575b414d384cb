"""Objects found at an IoU threshold, as cell biology scores them.

True and predicted objects are paired one to one so that most pairs reach the threshold, and among such pairings the
summed IoU is largest (the Hungarian method). At each threshold, with TP pairs, FP predicted and FN true objects left::

    average precision   = TP / (TP + FP + FN)       "AP" of the 2018 Data Science Bowl; Schmidt et al., MICCAI 2018
    precision           = TP / (TP + FP)
    recall              = TP / (TP + FN)
    F1                  = 2 TP / (2 TP + FP + FN)
    mean matched IoU    = Σ IoU of the pairs / TP
    mean true IoU       = Σ IoU of the pairs / (TP + FN)
    panoptic quality    = Σ IoU of the pairs / (TP + FP/2 + FN/2)

This average precision ranks nothing by score and is not COCO's (:mod:`intarsia.metrics.average_precision`). A figure
whose denominator is zero is undefined: NaN. A picture without true and predicted objects has no figure at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped
from scipy.optimize import linear_sum_assignment

from intarsia.errors import RecipeError
from intarsia.metrics.segments import SegmentPairs, count_segment_pairs
from intarsia.metrics.undefined import ratio

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU 0.5, 0.55, …, 0.95."""

SIZE_EDGES = (64, 256, 1024, 4096)
"""Areas in pixels that divide objects by size: below 8×8, 16×16, 32×32, 64×64, and above."""

_PerThreshold = Int64[np.ndarray, "*batch thresholds"] | Float64[np.ndarray, "*batch thresholds"]
_PerSize = Int64[np.ndarray, "*batch thresholds sizes"] | Float64[np.ndarray, "*batch thresholds sizes"]


@dataclass(frozen=True, eq=False)
class InstanceCounts:
    """The paired objects of one picture, or of many along the leading axes; additive over pictures.

    Args:
        true_positives: [..., T] pairs that reach each threshold.
        false_positives: [..., T] predicted objects without a pair.
        false_negatives: [..., T] true objects without a pair.
        iou_sum: float64 [..., T], the summed IoU of the pairs.
        found_by_size: [..., T, S] true objects with a pair, by their area.
        missed_by_size: [..., T, S] true objects without a pair, by their area.
        thresholds: the T thresholds of IoU; a pair at a threshold exactly reaches it.
        size_edges: the S−1 areas in pixels between the sizes; an area at an edge belongs to the larger size.
        ignore: the id of void pixels in the truth, which count nowhere; None when every pixel counted.
    """

    true_positives: _PerThreshold
    false_positives: _PerThreshold
    false_negatives: _PerThreshold
    iou_sum: Float64[np.ndarray, "*batch thresholds"]
    found_by_size: _PerSize
    missed_by_size: _PerSize
    thresholds: tuple[float, ...] = THRESHOLDS
    size_edges: tuple[int, ...] = SIZE_EDGES
    ignore: int | None = None


def count_instances(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    *,
    thresholds: tuple[float, ...] = THRESHOLDS,
    size_edges: tuple[int, ...] = SIZE_EDGES,
    ignore: int | None = None,
    where: str | Path = "mask",
) -> InstanceCounts:
    """Pair the objects of one picture.

    Args:
        truth: object ids [H, W], whole numbers of at most 32 bits; 0 is background, each other value one object.
        predicted: the same, of the same size; the ids need not agree with the truth's.
        thresholds: of IoU, in (0, 1].
        size_edges: areas in pixels, ascending.
        ignore: the id in ``truth`` of void pixels, 1 or more, which then count nowhere: not in any area, nor as
            predicted objects.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not [H, W] of whole numbers.
        RecipeError: a threshold outside (0, 1], sizes that do not ascend, or a void id that is no object's.
    """
    _check(thresholds, size_edges, ignore)
    pairs = count_segment_pairs(truth, predicted, where)
    if ignore is not None:
        kept = pairs.truth != ignore
        pairs = SegmentPairs(pairs.truth[kept], pairs.predicted[kept], pairs.pixels[kept])
    true_area, t = _areas(pairs.truth, pairs.pixels)
    predicted_area, p = _areas(pairs.predicted, pairs.pixels)
    both = (t >= 0) & (p >= 0)
    t, p, shared = t[both], p[both], pairs.pixels[both]
    iou = shared / (true_area[t] + predicted_area[p] - shared)

    size = np.searchsorted(size_edges, true_area, side="right")
    found = np.zeros((len(thresholds), len(true_area)), np.bool_)
    iou_sum = np.zeros(len(thresholds))
    for row, threshold in enumerate(thresholds):
        reached = np.flatnonzero(iou >= threshold)
        paired = reached[_best_pairs(t[reached], p[reached], iou[reached])]
        found[row, t[paired]] = True
        iou_sum[row] = iou[paired].sum()
    sizes = np.eye(len(size_edges) + 1, dtype=np.int64)[size]
    hits = found.sum(axis=1)
    return InstanceCounts(
        true_positives=hits,
        false_positives=len(predicted_area) - hits,
        false_negatives=len(true_area) - hits,
        iou_sum=iou_sum,
        found_by_size=found.astype(np.int64) @ sizes,
        missed_by_size=(~found).astype(np.int64) @ sizes,
        thresholds=thresholds,
        size_edges=size_edges,
        ignore=ignore,
    )


def average_precision_at(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """TP / (TP + FP + FN), in [0, 1]; NaN without any object."""
    hits = counts.true_positives
    return ratio(hits, hits + counts.false_positives + counts.false_negatives)


def precision_at(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """TP / (TP + FP), in [0, 1]; NaN without predicted objects."""
    return ratio(counts.true_positives, counts.true_positives + counts.false_positives)


def recall_at(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """TP / (TP + FN), in [0, 1]; NaN without true objects."""
    return ratio(counts.true_positives, counts.true_positives + counts.false_negatives)


def f1_at(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """2 TP / (2 TP + FP + FN), in [0, 1]; NaN without any object."""
    return ratio(2 * counts.true_positives, 2 * _halved(counts))


def mean_matched_iou(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """The mean IoU of the pairs, between the threshold and 1; NaN without a pair."""
    return ratio(counts.iou_sum, counts.true_positives)


def mean_true_iou(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """The mean over true objects of the IoU of their pair, 0 for those without, in [0, 1]; NaN without true objects."""
    return ratio(counts.iou_sum, counts.true_positives + counts.false_negatives)


def panoptic_quality_at(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    """Σ IoU / (TP + FP/2 + FN/2) = F1 · mean matched IoU, in [0, 1]; NaN without any object."""
    return ratio(counts.iou_sum, _halved(counts))


def recall_by_size(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds sizes"]:
    """The share of the true objects of each size that have a pair, in [0, 1]; NaN where there is none of the size."""
    return ratio(counts.found_by_size, counts.found_by_size + counts.missed_by_size)


def size_names(size_edges: tuple[int, ...]) -> tuple[str, ...]:
    """The sizes in words: ``under 64 px``, ``64–255 px``, …, ``4096 px and more``."""
    inner = [f"{low}–{high - 1} px" for low, high in pairwise(size_edges)]
    return (f"under {size_edges[0]} px", *inner, f"{size_edges[-1]} px and more")


def _check(thresholds: tuple[float, ...], size_edges: tuple[int, ...], ignore: int | None) -> None:
    if not thresholds or not all(0 < threshold <= 1 for threshold in thresholds):
        raise RecipeError(
            f"the thresholds of IoU are {thresholds}", where="thresholds", remedy="Give numbers above 0 and up to 1"
        )
    if not size_edges or size_edges[0] < 1 or list(size_edges) != sorted(set(size_edges)):
        raise RecipeError(
            f"the size edges are {size_edges}", where="size edges", remedy="Give areas in pixels in ascending order"
        )
    if ignore is not None and ignore < 1:
        # Leaving out background would leave out every object predicted there: no false positive would count.
        raise RecipeError(
            f"the id of void pixels is {ignore}, but 0 is background and no id is below it",
            where="ignore",
            remedy="Give the id that void pixels have in the true masks, 1 or more, or leave it out",
        )


def _areas(
    ids: Shaped[np.ndarray, "pairs"], pixels: Int64[np.ndarray, "pairs"]
) -> tuple[Int64[np.ndarray, "objects"], Int64[np.ndarray, "pairs"]]:
    """The area of each object, and of each pair the row of its object (−1 for background)."""
    values, rows = np.unique(ids, return_inverse=True)
    areas = np.zeros(len(values), np.int64)
    np.add.at(areas, rows, pixels)
    background = int(values.size > 0 and values[0] == 0)
    return areas[background:], rows - background


def _best_pairs(
    t: Int64[np.ndarray, "pairs"], p: Int64[np.ndarray, "pairs"], iou: Float64[np.ndarray, "pairs"]
) -> Int64[np.ndarray, "matched"]:
    """Which of the pairs to keep so that no object is used twice: the most of them, then the largest summed IoU.

    Above IoU 0.5 no object is in two pairs and all are kept; only the others are worth the Hungarian method.
    """
    contested = (np.bincount(t)[t] > 1) | (np.bincount(p)[p] > 1)
    kept = np.flatnonzero(~contested)
    if not contested.any():
        return kept
    among = np.flatnonzero(contested)
    rows, row = np.unique(t[among], return_inverse=True)
    columns, column = np.unique(p[among], return_inverse=True)
    gain = np.zeros((len(rows), len(columns)))
    # One more pair weighs more than all the IoU that could be gained otherwise.
    gain[row, column] = 1 + iou[among] / (2 * min(gain.shape))
    best: Bool[np.ndarray, "rows columns"] = np.zeros(gain.shape, np.bool_)
    best[linear_sum_assignment(gain, maximize=True)] = True
    return np.concatenate([kept, among[best[row, column]]])


def _halved(counts: InstanceCounts) -> Float64[np.ndarray, "*batch thresholds"]:
    halved: Float64[np.ndarray, "*batch thresholds"] = counts.true_positives + 0.5 * (
        counts.false_positives + counts.false_negatives
    )
    return halved
