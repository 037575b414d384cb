"""Average precision and recall of scored masks, as COCO defines them.

Objects are ranked by score. At each IoU threshold 0.5, 0.55, …, 0.95, each takes the still free true object of its
picture and class that it overlaps most, if that reaches the threshold; average precision (AP) is the mean over recall
0, 0.01, …, 1 of the precision envelope, average recall (AR) the recall of the best M a picture and class. Both are then
averaged over thresholds and classes (https://cocodataset.org/#detection-eval; ``pycocotools.cocoeval``).

Ranking is over the whole data set, so AP is no sum over pictures. What is kept instead are the *matches* of every
picture (:class:`Matches`): the figures of any resample of the pictures come from them without matching again.
Mask overlaps are computed by ``faster-coco-eval``; its evaluator keeps the matches to itself, so matching is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float64, Int64

from intarsia.metrics.undefined import mean_of_defined
from intarsia.ops.jit import jit
from intarsia.ops.rle import rle_area, rle_iou
from intarsia.types import InstanceSet, LabelMap

SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's sizes: from and up to this area in pixels, both included."""

DETECTIONS = (1, 10, 100)
"""COCO's numbers of objects a picture and class; matching stops at the last."""

_THRESHOLDS = np.linspace(0.5, 0.95, 10)  # as pycocotools computes them: 0.05 steps added up would drift
_RECALLS = np.linspace(0.0, 1.0, 101)
_BOUNDS = np.array(list(SIZES.values()))


@dataclass(frozen=True, eq=False)
class Matches:
    """Every predicted object, and which true object it took.

    Predicted objects are sorted by class, then by falling score; T thresholds, S sizes, K classes.

    Args:
        image: int64 [N], the row of each predicted object's picture.
        rank: int64 [N], its place by score in its picture and class, from 0.
        starts: int64 [K+1], where each class begins.
        hit: bool [S, T, N], took a true object.
        ignored: bool [S, T, N], counts neither as right nor as wrong: took a crowd region or an object of another
            size, or took none and is of another size itself.
        objects: int64 [images, K, S], true objects that count.
    """

    image: Int64[np.ndarray, "predicted"]
    rank: Int64[np.ndarray, "predicted"]
    starts: Int64[np.ndarray, "bounds"]
    hit: Bool[np.ndarray, "sizes thresholds predicted"]
    ignored: Bool[np.ndarray, "sizes thresholds predicted"]
    objects: Int64[np.ndarray, "images classes sizes"]


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """AP and AR of each class, of one data set or of many along the first axis; NaN for a class without true objects.

    Args:
        precision: float64 [..., K, S, T] AP of the 100 best a picture and class.
        recall: float64 [..., K, S, T, 3] recall of the 1, 10 and 100 best a picture and class.
    """

    precision: Float64[np.ndarray, "*batch classes sizes thresholds"]
    recall: Float64[np.ndarray, "*batch classes sizes thresholds detections"]


def match_instances(truth: Sequence[InstanceSet], predicted: Sequence[InstanceSet], label_map: LabelMap) -> Matches:
    """Match the predicted objects of every picture.

    Args:
        truth: of each picture; crowd regions excuse what lies on them, and annotated areas decide on the size.
        predicted: of each picture, with scores, at the same size; sizes by the masks' own areas.
        label_map: the K classes.
    """
    pictures = list(zip(truth, predicted, strict=True))
    objects = np.zeros((len(pictures), label_map.num_classes, len(SIZES)), np.int64)
    parts: list[list[tuple[np.ndarray, ...]]] = [[] for _ in label_map.ids]
    for row, (true, found) in enumerate(pictures):
        assert true.size == found.size
        assert found.scores is not None
        for k in np.flatnonzero(np.isin(label_map.ids, np.union1d(true.class_ids, found.class_ids))):
            t = np.flatnonzero(true.class_ids == label_map.ids[k])
            p = np.flatnonzero(found.class_ids == label_map.ids[k])
            p = p[np.argsort(-found.scores[p], kind="stable")][: DETECTIONS[-1]]
            crowd = true.is_crowd[t]
            leave = crowd | _outside(true.areas[t])
            objects[row, k] = (~leave).sum(axis=1)
            masks, true_masks = [found.masks[i] for i in p], [true.masks[i] for i in t]
            areas = np.array([rle_area(runs) for runs in masks], np.float64)
            iou = rle_iou(masks, true_masks, true.size, crowd)
            hit, ignored = _match(iou, crowd, leave, _outside(areas), _THRESHOLDS)
            parts[k].append((np.full(len(p), row), np.arange(len(p)), found.scores[p].astype(np.float64), hit, ignored))
    return _sorted(parts, objects)


def average_precision(matches: Matches) -> AveragePrecision:
    """The figures of the whole data set."""
    every = resampled_average_precision(matches, np.ones((1, len(matches.objects))))
    return AveragePrecision(every.precision[0], every.recall[0])


def resampled_average_precision(matches: Matches, times: Float64[np.ndarray, "resamples images"]) -> AveragePrecision:
    """The figures of many data sets, in each of which picture i occurs ``times[…, i]`` times.

    Of equal scores, all copies of an object come before the next object.
    """
    sizes, thresholds = matches.hit.shape[:2]
    shape = (len(times), len(matches.starts) - 1, sizes, thresholds)
    precision, recall = np.full(shape, np.nan), np.full((*shape, len(DETECTIONS)), np.nan)
    objects = np.tensordot(times, matches.objects.astype(np.float64), axes=1)
    _curves(
        np.ascontiguousarray(times),
        matches.image,
        matches.rank,
        matches.starts,
        matches.hit,
        matches.ignored,
        objects,
        np.array(DETECTIONS),
        _RECALLS,
        precision,
        recall,
    )
    return AveragePrecision(precision, recall)


def coco_figures(figures: AveragePrecision) -> dict[str, Float64[np.ndarray, "*batch"]]:
    """COCO's twelve: means over classes with true objects (and thresholds, unless one is named), in [0, 1] or NaN.

    Returns:
        ``ap``, ``ap50``, ``ap75``, ``ap_small``, ``ap_medium``, ``ap_large``, ``ar_1``, ``ar_10``, ``ar_100``,
        ``ar_small``, ``ar_medium``, ``ar_large``.
    """
    precision, recall = figures.precision, figures.recall.mean(axis=-2)
    named = {
        "ap": precision[..., 0, :].mean(axis=-1),
        "ap50": precision[..., 0, _THRESHOLDS.searchsorted(0.5)],
        "ap75": precision[..., 0, _THRESHOLDS.searchsorted(0.75)],
        **{f"ap_{size}": precision[..., s, :].mean(axis=-1) for s, size in enumerate(SIZES) if s},
        **{f"ar_{count}": recall[..., 0, m] for m, count in enumerate(DETECTIONS)},
        **{f"ar_{size}": recall[..., s, -1] for s, size in enumerate(SIZES) if s},
    }
    return {name: mean_of_defined(values, axis=-1) for name, values in named.items()}


def _outside(areas: Float64[np.ndarray, "objects"]) -> Bool[np.ndarray, "sizes objects"]:
    outside: Bool[np.ndarray, "sizes objects"] = (areas < _BOUNDS[:, :1]) | (areas > _BOUNDS[:, 1:])
    return outside


def _sorted(
    parts: Sequence[Sequence[tuple[np.ndarray, ...]]], objects: Int64[np.ndarray, "images classes sizes"]
) -> Matches:
    """Join the matches of all pictures, each class by falling score; equal scores keep the order of the pictures."""
    shape = (len(SIZES), len(_THRESHOLDS), 0)
    nothing = (
        *(np.zeros(0, kind) for kind in (np.int64, np.int64, np.float64)),
        np.zeros(shape, bool),
        np.zeros(shape, bool),
    )
    columns = [[np.concatenate(arrays, axis=-1) for arrays in zip(nothing, *part, strict=True)] for part in parts]
    order = [np.argsort(-scores, kind="stable") for _, _, scores, _, _ in columns]
    columns = [[array[..., rows] for array in column] for column, rows in zip(columns, order, strict=True)]
    image, rank, _, hit, ignored = (np.concatenate(arrays, axis=-1) for arrays in zip(*columns, strict=True))
    starts = np.cumsum([0, *map(len, order)])
    return Matches(image, rank, starts, hit, ignored, objects)


@jit
@no_type_check
def _match(iou, crowd, leave, outside, thresholds):
    """Let each predicted object, best score first, take a true one; see :class:`Matches` for what is returned."""
    predicted, true = iou.shape
    sizes = leave.shape[0]
    hit = np.zeros((sizes, thresholds.size, predicted), np.bool_)
    ignored = np.zeros((sizes, thresholds.size, predicted), np.bool_)
    for size in range(sizes):
        for at in range(thresholds.size):
            taken = np.zeros(true, np.bool_)
            for p in range(predicted):
                # Objects that count come first; the others are looked at only if none of those is reached.
                best = -1
                for others in (False, True):
                    if best >= 0:
                        break
                    reached = min(thresholds[at], 1 - 1e-10)
                    for t in range(true):
                        if leave[size, t] == others and (not taken[t] or crowd[t]) and iou[p, t] >= reached:
                            reached, best = iou[p, t], t
                if best < 0:
                    ignored[size, at, p] = outside[size, p]
                else:
                    taken[best] = True
                    hit[size, at, p] = True
                    ignored[size, at, p] = leave[size, best]
    return hit, ignored


@jit
@no_type_check
def _curves(times, image, rank, starts, hit, ignored, objects, detections, recalls, precision, recall):
    """Fill in the precision and recall of every resample, class, size and threshold that has true objects."""
    most = 0
    for k in range(starts.size - 1):
        most = max(most, starts[k + 1] - starts[k])
    envelope, recalled = np.empty(most), np.empty(most)
    for b in range(times.shape[0]):
        for k in range(starts.size - 1):
            for size in range(hit.shape[0]):
                total = objects[b, k, size]
                if total == 0:
                    continue
                for at in range(hit.shape[1]):
                    recall[b, k, size, at] = 0
                    right, wrong, count = 0.0, 0.0, 0
                    for index in range(starts[k], starts[k + 1]):
                        weight = times[b, image[index]]
                        if weight == 0:
                            continue
                        if not ignored[size, at, index]:
                            if hit[size, at, index]:
                                right += weight
                                for m in range(detections.size):
                                    if rank[index] < detections[m]:
                                        recall[b, k, size, at, m] += weight
                            else:
                                wrong += weight
                        recalled[count] = right / total
                        envelope[count] = right / (right + wrong) if right > 0 else 0.0
                        count += 1
                    recall[b, k, size, at] /= total
                    for index in range(count - 2, -1, -1):
                        envelope[index] = max(envelope[index], envelope[index + 1])
                    summed, index = 0.0, 0
                    for level in recalls:
                        while index < count and recalled[index] < level:
                            index += 1
                        if index == count:
                            break
                        summed += envelope[index]
                    precision[b, k, size, at] = summed / recalls.size
