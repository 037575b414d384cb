"""Panoptic matching as its authors' program counts it (panopticapi, 2018), written out slowly as a reference."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from intarsia.types import PanopticMap


@dataclass
class Tally:
    """Of one class."""

    iou: float = 0.0
    tp: int = 0
    fp: int = 0
    fn: int = 0


def reference(truth: PanopticMap, predicted: PanopticMap) -> dict[int, Tally]:
    """Each class's tally, by its id."""
    true = {segment.id: segment for segment in truth.segments}
    found = {segment.id: segment for segment in predicted.segments}
    true_ids, found_ids = truth.segment_ids.ravel().tolist(), predicted.segment_ids.ravel().tolist()
    shared = Counter(zip(true_ids, found_ids, strict=True))
    true_area, found_area = Counter(true_ids), Counter(found_ids)
    tallies: dict[int, Tally] = defaultdict(Tally)

    true_matched, found_matched = set(), set()
    for (t, p), pixels in sorted(shared.items()):
        if t not in true or p not in found or true[t].is_crowd or true[t].class_id != found[p].class_id:
            continue
        union = found_area[p] + true_area[t] - pixels - shared[0, p]
        if pixels / union > 0.5:
            tallies[true[t].class_id].tp += 1
            tallies[true[t].class_id].iou += pixels / union
            true_matched.add(t)
            found_matched.add(p)

    crowd_of_class = {}
    for t, segment in true.items():
        if t in true_matched:
            continue
        if segment.is_crowd:
            crowd_of_class[segment.class_id] = t
        else:
            tallies[segment.class_id].fn += 1

    for p, segment in found.items():
        if p in found_matched:
            continue
        excused = shared[0, p]
        if segment.class_id in crowd_of_class:
            excused += shared[crowd_of_class[segment.class_id], p]
        if excused / found_area[p] <= 0.5:
            tallies[segment.class_id].fp += 1
    return tallies


def reference_quality(tallies: dict[int, Tally], class_ids: list[int]) -> tuple[float, float, float]:
    """PQ, SQ and RQ over the classes, as the program prints them (not in percent)."""
    figures = []
    for class_id in class_ids:
        tally = tallies.get(class_id, Tally())
        weight = tally.tp + 0.5 * tally.fp + 0.5 * tally.fn
        if weight > 0:
            sq = tally.iou / tally.tp if tally.tp else 0.0
            figures.append((tally.iou / weight, sq, tally.tp / weight))
    pq, sq, rq = np.mean(figures, axis=0).tolist() if figures else (np.nan,) * 3
    return pq, sq, rq
