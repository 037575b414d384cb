"""Whole data sets of instance-id masks, scored as cell biology does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.data.formats.instances import read_instance_ids
from intarsia.data.parallel import Progress, map_files
from intarsia.data.splits import find_groups
from intarsia.evaluate.estimate import Estimate, estimates
from intarsia.evaluate.segments import (
    MATCHED,
    CountedPictures,
    SegmentSummary,
    worst_first,
)
from intarsia.evaluate.statistics import bootstrap_counts_interval, bootstrap_mean_interval, interval_in_words
from intarsia.metrics import mean_of_defined
from intarsia.metrics.counts import stack, total
from intarsia.metrics.instances import (
    InstanceCounts,
    average_precision_at,
    count_instances,
    f1_at,
    mean_matched_iou,
    mean_true_iou,
    panoptic_quality_at,
    precision_at,
    recall_at,
    recall_by_size,
    size_names,
)

FIGURES: dict[str, Callable[[InstanceCounts], Float64[np.ndarray, "*batch thresholds"]]] = {
    "average_precision": average_precision_at,
    "precision": precision_at,
    "recall": recall_at,
    "f1": f1_at,
    "mean_matched_iou": mean_matched_iou,
    "mean_true_iou": mean_true_iou,
    "panoptic_quality": panoptic_quality_at,
}
"""The figures at each threshold, by name."""


def score_instance_masks(
    pairs: Sequence[tuple[Path, Path]],
    *,
    ignore: int | None = None,
    group_by: str | None = None,
    progress: Progress | None = None,
) -> CountedPictures[InstanceCounts]:
    """Pair the objects of instance-id masks.

    Args:
        pairs: (predicted, truth) files; see :func:`~intarsia.evaluate.runner.pair_masks`.
        ignore: the id of void pixels in the true masks, 1 or more.
        group_by: a regular expression whose one group finds the patient or video in a name; default is each picture
            alone. See :func:`~intarsia.data.splits.find_groups`.
        progress: called with (done, total).

    Raises:
        DataError: a file that cannot be used, or names without a group.
        RecipeError: ``ignore`` is 0 or less, or ``group_by`` is no regular expression with one group.
        ShapeError: a prediction of another size than its truth.
    """

    def count(pair: tuple[Path, Path]) -> InstanceCounts:
        found, true = (read_instance_ids(path) for path in pair)
        return count_instances(true, found, ignore=ignore, where=pair[0])

    names = tuple(truth.stem for _, truth in pairs)
    groups = tuple(find_groups(names, group_by)) if group_by else names
    return CountedPictures(names, groups, stack(map_files(count, pairs, progress)))


def summarize_instances(
    scored: CountedPictures[InstanceCounts], *, resamples: int = 10_000, seed: int = 0, warnings: Sequence[str] = ()
) -> SegmentSummary:
    """Every figure at every threshold, pooled and as the mean over images, and recall by size, with 95% intervals.

    Args:
        scored: the counts.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.
        warnings: what is wrong with the files (:func:`~intarsia.evaluate.provenance.pair_warnings`).
    """
    counts, groups = scored.counts, scored.groups
    whole, of_images = total(counts), _figures(counts)
    draw = {"resamples": resamples, "seed": seed}
    pooled = estimates(_figures(whole), bootstrap_counts_interval(counts, groups, _figures, **draw))
    averaged = estimates(mean_of_defined(of_images, axis=0), bootstrap_mean_interval(of_images, groups, **draw))
    sizes = estimates(_found(whole), bootstrap_counts_interval(counts, groups, _found, **draw))
    own = {
        "average_precision": average_precision_at(counts)[:, 0],
        "true_objects": _true_objects(counts),
        "predicted_objects": (counts.true_positives + counts.false_positives)[:, 0],
    }
    return SegmentSummary(
        task="instance",
        overall={"mean_average_precision_dataset": pooled[0], "mean_average_precision_per_image": averaged[0]},
        sections={
            "thresholds": _thresholds(whole, pooled[1:], averaged[1:]),
            "sizes": _sizes(whole, sizes),
            "per_image": worst_first(scored, own),
        },
        images=len(scored.names),
        groups=len(set(groups)),
        conventions={
            "matching": "one to one: most pairs that reach the threshold of IoU, then the largest summed IoU",
            "void": "none: every pixel counts"
            if counts.ignore is None
            else f"pixels with the id {counts.ignore} in the truth count nowhere",
            "average precision": "TP / (TP + FP + FN) at a threshold, as StarDist and the 2018 Data Science Bowl report"
            " it; not COCO's AP, which ranks objects by score",
            "averaging": "names ending in _dataset come from the objects of all images together; names ending in"
            " _per_image are means over images, each weighing the same, images where the figure is undefined left out",
            "empty images": "an image without true and predicted objects has no figure; one with only predicted"
            " objects has average precision 0, no recall and no mean true IoU; one with only true objects has average"
            " precision and recall 0 and no precision",
            "sizes": f"areas of true objects; found means paired at IoU {counts.thresholds[0]:g}",
            "per image": f"average precision at IoU {counts.thresholds[0]:g}",
            "interval": interval_in_words(groups, resamples, seed),
        },
        warnings=tuple(warnings),
    )


def _figures(counts: InstanceCounts) -> Float64[np.ndarray, "*batch figures"]:
    """The average precision over all thresholds, then every figure at each, so that one draw serves them all."""
    at = [figure(counts) for figure in FIGURES.values()]
    return np.concatenate([at[0].mean(axis=-1, keepdims=True), *at], axis=-1)


def _found(counts: InstanceCounts) -> Float64[np.ndarray, "*batch sizes"]:
    """Recall by size at the first threshold."""
    return recall_by_size(counts)[..., 0, :]


def _true_objects(counts: InstanceCounts) -> np.ndarray:
    return (counts.true_positives + counts.false_negatives)[..., 0]


def _thresholds(
    whole: InstanceCounts, pooled: Sequence[Estimate], averaged: Sequence[Estimate]
) -> list[dict[str, Any]]:
    steps = len(whole.thresholds)
    return [
        {
            "threshold": threshold,
            **{name: int(getattr(whole, name)[t]) for name in MATCHED},
            **{f"{name}_dataset": pooled[row * steps + t] for row, name in enumerate(FIGURES)},
            **{f"{name}_per_image": averaged[row * steps + t] for row, name in enumerate(FIGURES)},
        }
        for t, threshold in enumerate(whole.thresholds)
    ]


def _sizes(whole: InstanceCounts, found: Sequence[Estimate]) -> list[dict[str, Any]]:
    objects = (whole.found_by_size + whole.missed_by_size)[0].tolist()
    names = size_names(whole.size_edges)
    return [
        {"size": name, "objects": count, "recall": recall}
        for name, count, recall in zip(names, objects, found, strict=True)
    ]
