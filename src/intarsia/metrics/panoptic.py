"""Panoptic quality: how many segments are found, and how well they are outlined.

Kirillov, He, Girshick, Rother & Dollár, Panoptic Segmentation, CVPR 2019, section 4. A predicted segment and a true one
of the same class match when their IoU exceeds 0.5, which no segment can do twice. Of one class, with TP matches, FP
unmatched predicted and FN unmatched true segments::

    PQ = Σ IoU of the matches / (TP + FP/2 + FN/2) = SQ · RQ
    SQ = Σ IoU of the matches / TP                      how well matches are outlined
    RQ = TP / (TP + FP/2 + FN/2)                        how many segments are found (F1)

Void and crowd regions follow the authors' program, panopticapi: void pixels of the truth leave the union; a crowd
region is neither matched nor missed; an unmatched predicted segment of which more than half lies on void or on the
crowd region of its class is no false positive.

A class absent from truth and prediction is undefined: NaN, and no mean includes it. A class without a match has SQ 0,
so that the mean SQ is the one papers print.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt32

from intarsia.errors import DataError
from intarsia.metrics.segments import count_segment_pairs
from intarsia.metrics.undefined import ratio
from intarsia.types import LabelMap, PanopticMap

_PerClass = Int64[np.ndarray, "*batch classes"] | Float64[np.ndarray, "*batch classes"]

_MATCH = 0.5  # of IoU, and of the share on void and crowd; both must be exceeded


@dataclass(frozen=True, eq=False)
class PanopticCounts:
    """The matches of one picture, or of many along the leading axes; additive over pictures.

    Args:
        iou_sum: float64 [..., K], the summed IoU of each class's matches.
        true_positives: [..., K] matches.
        false_positives: [..., K] predicted segments without a match.
        false_negatives: [..., K] true segments without a match.
    """

    iou_sum: Float64[np.ndarray, "*batch classes"]
    true_positives: _PerClass
    false_positives: _PerClass
    false_negatives: _PerClass


def count_panoptic(
    truth: PanopticMap, predicted: PanopticMap, label_map: LabelMap, where: str | Path = "picture"
) -> PanopticCounts:
    """Match the segments of one picture.

    Areas are counted in the maps; those of the tables are not looked at. If a class has several crowd regions in one
    picture, only the last of the table excuses predictions, as in panopticapi (COCO never has more than one).

    Args:
        truth: the true segments.
        predicted: the predicted segments, at the same size; their crowd flags are not looked at.
        label_map: the K classes.
        where: what to call the picture in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ.
        DataError: a table and its map that hold different segments, or a class that is not in ``label_map``.
    """
    pairs = count_segment_pairs(truth.segment_ids, predicted.segment_ids, where)
    true_class, predicted_class = (_classes(each, label_map, where) for each in (truth, predicted))
    t = _rows(truth, pairs.truth, "truth", where)  # of each pair the row of its true segment, −1 where void
    p = _rows(predicted, pairs.predicted, "prediction", where)
    crowd = np.array([segment.is_crowd for segment in truth.segments], np.bool_)
    true_area, predicted_area = (
        np.bincount(rows[rows >= 0], pairs.pixels[rows >= 0], minlength=len(each.segments))
        for rows, each in ((t, truth), (p, predicted))
    )
    on_void = np.bincount(p[(t < 0) & (p >= 0)], pairs.pixels[(t < 0) & (p >= 0)], minlength=len(predicted.segments))

    both = (t >= 0) & (p >= 0)
    t, p, shared = t[both], p[both], pairs.pixels[both]
    alike = true_class[t] == predicted_class[p]
    iou = shared / (predicted_area[p] + true_area[t] - shared - on_void[p])
    match = alike & ~crowd[t] & (iou > _MATCH)
    missed = ~crowd
    missed[t[match]] = False

    last_crowd = np.zeros(len(crowd), np.bool_)
    last_crowd[list({true_class[row]: row for row in np.flatnonzero(crowd)}.values())] = True
    excused = alike & last_crowd[t]
    left_out = on_void + np.bincount(p[excused], shared[excused], minlength=len(predicted.segments))
    spurious = left_out / predicted_area <= _MATCH
    spurious[p[match]] = False

    def of_classes(classes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(classes, weights, minlength=label_map.num_classes)

    matched_class = true_class[t[match]]
    return PanopticCounts(
        iou_sum=of_classes(matched_class, iou[match]).astype(np.float64),  # of nothing, bincount makes integers
        true_positives=of_classes(matched_class),
        false_positives=of_classes(predicted_class[spurious]),
        false_negatives=of_classes(true_class[missed]),
    )


def panoptic_quality(counts: PanopticCounts) -> Float64[np.ndarray, "*batch classes"]:
    """PQ of each class, in [0, 1]; NaN for a class absent from truth and prediction."""
    return ratio(counts.iou_sum, _weight(counts))


def segmentation_quality(counts: PanopticCounts) -> Float64[np.ndarray, "*batch classes"]:
    """SQ of each class, 0 or in (0.5, 1]; NaN for a class absent from truth and prediction."""
    quality = ratio(counts.iou_sum, counts.true_positives)
    return np.where((counts.true_positives == 0) & (_weight(counts) > 0), 0.0, quality)


def recognition_quality(counts: PanopticCounts) -> Float64[np.ndarray, "*batch classes"]:
    """RQ of each class, in [0, 1]; NaN for a class absent from truth and prediction."""
    return ratio(counts.true_positives, _weight(counts))


def thing_classes(label_map: LabelMap) -> Bool[np.ndarray, "classes"]:
    """Which of the K classes are countable objects; the others are stuff."""
    return np.array([class_id in label_map.things for class_id in label_map.ids], np.bool_)


def _weight(counts: PanopticCounts) -> Float64[np.ndarray, "*batch classes"]:
    weight: Float64[np.ndarray, "*batch classes"] = counts.true_positives + 0.5 * (
        counts.false_positives + counts.false_negatives
    )
    return weight


def _classes(each: PanopticMap, label_map: LabelMap, where: str | Path) -> Int64[np.ndarray, "segments"]:
    index = {class_id: k for k, class_id in enumerate(label_map.ids)}
    unknown = next((segment for segment in each.segments if segment.class_id not in index), None)
    if unknown is not None:
        raise DataError(
            f"segment {unknown.id} is of class {unknown.class_id}, which is not in the class list",
            where=where,
            remedy="Correct the segment's class, or add the class to the class list",
        )
    return np.array([index[segment.class_id] for segment in each.segments], np.int64)


def _rows(
    each: PanopticMap, ids: UInt32[np.ndarray, "pairs"], what: str, where: str | Path
) -> Int64[np.ndarray, "pairs"]:
    """The row of each id in the table, −1 for void; the map and the table must hold the same ids."""
    table = np.array([0, *(segment.id for segment in each.segments)], np.int64)
    order = np.argsort(table)
    found = np.searchsorted(table, ids, sorter=order)
    rows = order[np.minimum(found, len(table) - 1)]
    strangers = ids[table[rows] != ids]
    if strangers.size:
        raise DataError(
            f"the {what}'s picture holds segment {strangers[0]}, which is not in its table",
            where=where,
            remedy="Add the segment to segments_info, or set its pixels to void (0)",
        )
    present = np.bincount(rows, minlength=len(table))[1:] > 0
    if not present.all():
        raise DataError(
            f"the {what}'s table lists segment {table[1:][~present][0]}, which has no pixel in its picture",
            where=where,
            remedy="Remove the segment from segments_info, or write picture and table together",
        )
    return rows - 1
