"""Time the panoptic counts of one picture beside the algorithm of panopticapi, the program of the metric's authors.

Run ``python bench/panoptic.py``. panopticapi is not on the package index, so its published algorithm stands in for it:
``numpy.unique`` over the joint ids of all pixels, then loops over pairs and segments in Python. Both start from maps of
ids and take turns in every round of one run; the counts are asserted to be equal. How fast ``numpy.unique`` is depends
on NumPy, whose version is printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from intarsia.metrics.panoptic import PanopticCounts, count_panoptic
from intarsia.types import LabelMap, PanopticMap, Segment

CLASSES, SHIFT, ROUNDS = 133, 2**24, 31
LABELS = LabelMap(tuple(f"class {k}" for k in range(CLASSES)), things=frozenset(range(80)))


@dataclass(frozen=True)
class Case:
    """A picture's truth and prediction, of ``segments`` segments each."""

    name: str
    height: int
    width: int
    segments: int


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"NumPy {np.__version__}; medians and best of {ROUNDS} rounds")
    for case in (
        Case("COCO", 480, 640, 20),
        Case("COCO, crowded", 480, 640, 120),
        Case("Cityscapes", 1024, 2048, 60),
    ):
        compare(case, rng)


def compare(case: Case, rng: np.random.Generator) -> None:
    truth, predicted = pair(case, rng)
    programs: dict[str, Callable[[], PanopticCounts]] = {
        "intarsia": lambda: count_panoptic(truth, predicted, LABELS),
        "panopticapi's algorithm": lambda: published(truth, predicted),
    }
    ours, theirs = (run() for run in programs.values())
    for name in ("true_positives", "false_positives", "false_negatives"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_allclose(ours.iou_sum, theirs.iou_sum, rtol=1e-12)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program, run in programs.items():
            start = time.perf_counter()
            run()
            times[program].append(time.perf_counter() - start)
    print(
        f"{case.name}: {case.width}×{case.height}, {len(truth.segments)} true and {len(predicted.segments)} predicted"
        f" segments, {ours.true_positives.sum()} matched; equal counts"
    )
    print(f"  {'':24} {'median':>12} {'ratio':>8} {'best':>14} {'ratio':>8}")
    for program, seconds in times.items():
        line = f"  {program:24}"
        for pick in (statistics.median, min):
            line += f" {pick(seconds) * 1e3:9.3f} ms {pick(seconds) / pick(times['intarsia']):7.1f}×  "
        print(line.rstrip())


def pair(case: Case, rng: np.random.Generator) -> tuple[PanopticMap, PanopticMap]:
    """Regions nearest to random seeds; the prediction's seeds are displaced and some of its classes wrong."""
    rows, columns = np.mgrid[: case.height, : case.width]
    pixels = np.stack([rows.ravel(), columns.ravel()], axis=-1)
    seeds = rng.uniform((0, 0), (case.height, case.width), (case.segments, 2))
    classes = rng.integers(0, CLASSES, case.segments)
    wrong = np.where(rng.random(case.segments) < 0.2, rng.integers(0, CLASSES, case.segments), classes)
    ids = np.sort(rng.choice(SHIFT - 1, case.segments, replace=False) + 1)  # as colors of a PNG are
    maps = []
    for places, of_class, void, crowds in (
        (seeds, classes, 8, 1),
        (seeds + rng.normal(0, 0.02 * case.height, seeds.shape), wrong, 4, 0),
    ):
        nearest = cKDTree(places).query(pixels)[1].reshape(case.height, case.width)
        values = ids[nearest].astype(np.uint32)
        values[:void] = values[:, -void:] = 0
        segments = tuple(
            Segment(i, k, k in LABELS.things, int((values == i).sum()), place < crowds)
            for place, (i, k) in enumerate(zip(ids.tolist(), of_class.tolist(), strict=True))
            if (values == i).any()
        )
        maps.append(PanopticMap(values, segments))
    return maps[0], maps[1]


def published(truth: PanopticMap, predicted: PanopticMap) -> PanopticCounts:
    """The published algorithm on one picture."""
    true = {segment.id: segment for segment in truth.segments}
    found = {segment.id: segment for segment in predicted.segments}
    true_area = {segment.id: segment.area for segment in truth.segments}
    found_area = {}
    for number, pixels in zip(*np.unique(predicted.segment_ids, return_counts=True), strict=True):
        if number in found:
            found_area[int(number)] = int(pixels)
    joint = truth.segment_ids.astype(np.uint64) * SHIFT + predicted.segment_ids.astype(np.uint64)
    shared = {}
    for number, pixels in zip(*np.unique(joint, return_counts=True), strict=True):
        shared[int(number) // SHIFT, int(number) % SHIFT] = int(pixels)

    iou_sum = np.zeros(CLASSES)
    tp, fp, fn = (np.zeros(CLASSES, np.int64) for _ in range(3))
    matched_true, matched_found = set(), set()
    for (t, p), pixels in shared.items():
        if t not in true or p not in found or true[t].is_crowd or true[t].class_id != found[p].class_id:
            continue
        iou = pixels / (found_area[p] + true_area[t] - pixels - shared.get((0, p), 0))
        if iou > 0.5:
            tp[true[t].class_id] += 1
            iou_sum[true[t].class_id] += iou
            matched_true.add(t)
            matched_found.add(p)
    crowds = {}
    for t, segment in true.items():
        if segment.is_crowd:
            crowds[segment.class_id] = t
        elif t not in matched_true:
            fn[segment.class_id] += 1
    for p, segment in found.items():
        if p not in matched_found:
            excused = shared.get((0, p), 0)
            if segment.class_id in crowds:
                excused += shared.get((crowds[segment.class_id], p), 0)
            fp[segment.class_id] += excused / found_area[p] <= 0.5
    return PanopticCounts(iou_sum, tp, fp, fn)


if __name__ == "__main__":
    main()
