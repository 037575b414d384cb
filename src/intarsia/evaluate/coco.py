"""Whole data sets of scored masks, as COCO scores them, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from intarsia.data.formats.coco import CocoInstances
from intarsia.data.parallel import Progress
from intarsia.data.splits import find_groups
from intarsia.evaluate.estimate import estimates
from intarsia.evaluate.segments import SegmentSummary, of_each_class
from intarsia.evaluate.statistics import interval_in_words, known, percentile_interval, resampled_times, sum_by_group
from intarsia.metrics.average_precision import (
    AveragePrecision,
    Matches,
    average_precision,
    coco_figures,
    match_instances,
    resampled_average_precision,
)
from intarsia.types import InstanceSet

COCO_RESAMPLES = 1_000
"""Ranking all objects anew in each resample costs more than adding up counts."""

_AT_ONCE = 16  # resamples: few enough for a bar that moves, and for memory with a thousand classes


def score_coco(
    truth: CocoInstances,
    predicted: Mapping[int, InstanceSet],
    progress: Progress | None = None,
    *,
    group_by: str | None = None,
    resamples: int = COCO_RESAMPLES,
    seed: int = 0,
) -> SegmentSummary:
    """COCO's mask AP and AR, overall and of each class, with 95% intervals.

    Args:
        truth: pictures, classes and true objects.
        predicted: the scored objects of each picture, by its id.
        progress: called with (done, total) resamples, which is what takes long.
        group_by: a regular expression whose one group finds the patient or video in a ``file_name``; default is each
            picture alone. See :func:`~intarsia.data.splits.find_groups`.
        resamples: of the bootstrap over groups.
        seed: of the bootstrap.

    Raises:
        RecipeError: ``group_by`` is no regular expression with one group.
        DataError: file names without a group.
    """
    alone = tuple(map(str, truth.objects))  # by id: file names may repeat, and are not always there
    groups = tuple(find_groups([truth.names[i] for i in truth.objects], group_by)) if group_by else alone
    matches = match_instances(list(truth.objects.values()), [predicted[i] for i in truth.objects], truth.label_map)
    figures = average_precision(matches)
    samples = _resampled(matches, groups, resamples, seed, progress)
    labels, objects = truth.label_map, matches.objects[:, :, 0]
    # AP ranks over the whole data set, so it is by their true objects that groups are told to hold a class.
    holding = np.count_nonzero(sum_by_group(objects, groups), axis=0)
    defined = np.concatenate([np.full(len(coco_figures(figures)), len(set(groups))), *[holding] * len(_OF_CLASSES)])
    found = estimates(_coco_columns(figures), known(*percentile_interval(samples, len(set(groups))), defined))
    overall = {name: found.pop(0) for name in coco_figures(figures)}
    of_classes = of_each_class(tuple(_OF_CLASSES), found)
    classes = [
        {"id": labels.ids[k], "name": labels.names[k], "objects": int(objects[:, k].sum()), **of_classes[k]}
        for k in range(labels.num_classes)
    ]
    return SegmentSummary(
        task="instance",
        overall=overall,
        sections={"classes": classes},
        images=len(groups),
        groups=len(set(groups)),
        conventions={
            "average precision": "COCO's: objects ranked by score over all images, precision envelope at 101 recalls,"
            " mean over IoU 0.50–0.95; at most 100 objects an image and class",
            "averaging": "overall figures are means over the classes with true objects; a class that occurs in a single"
            " image, or group, has no interval",
            "crowd": "crowd regions are neither found nor missed, and excuse what lies on them",
            "sizes": "small up to 32², medium up to 96² pixels; true objects by their annotated area, predicted ones by"
            " their mask",
            "interval": interval_in_words(groups, resamples, seed),
        },
    )


_OF_CLASSES: dict[str, Callable[[AveragePrecision], Float64[np.ndarray, "*batch classes"]]] = {
    "ap": lambda figures: figures.precision[..., 0, :].mean(axis=-1),
    "ap50": lambda figures: figures.precision[..., 0, 0],
    "ar_100": lambda figures: figures.recall[..., 0, :, -1].mean(axis=-1),
}


def _resampled(
    matches: Matches, groups: Sequence[str], resamples: int, seed: int, progress: Progress | None
) -> Float64[np.ndarray, "resamples figures"]:
    """The columns of each data set of as many groups drawn with replacement."""
    names, group_of_image = np.unique(np.asarray(groups), return_inverse=True)
    samples: list[np.ndarray] = []
    for drawn in resampled_times(len(names), resamples, seed):
        for times in np.split(drawn, range(_AT_ONCE, len(drawn), _AT_ONCE)):
            samples.extend(_coco_columns(resampled_average_precision(matches, times[:, group_of_image])))
            if progress is not None:
                progress(len(samples), resamples)
    return np.stack(samples)


def _coco_columns(figures: AveragePrecision) -> Float64[np.ndarray, "*batch figures"]:
    overall = np.stack(list(coco_figures(figures).values()), axis=-1)
    return np.concatenate([overall, *(figure(figures) for figure in _OF_CLASSES.values())], axis=-1)
