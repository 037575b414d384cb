"""Whole data sets of panoptic maps, from files to figures with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from intarsia.data.formats.panoptic import PanopticFile, read_panoptic
from intarsia.data.parallel import Progress, map_files
from intarsia.data.splits import find_groups
from intarsia.errors import DataError
from intarsia.evaluate.estimate import estimates
from intarsia.evaluate.segments import (
    MATCHED,
    CountedPictures,
    SegmentSummary,
    of_each_class,
    worst_first,
)
from intarsia.evaluate.statistics import bootstrap_counts_interval, interval_in_words
from intarsia.metrics import mean_of_defined
from intarsia.metrics.counts import stack, total
from intarsia.metrics.panoptic import (
    PanopticCounts,
    count_panoptic,
    panoptic_quality,
    recognition_quality,
    segmentation_quality,
    thing_classes,
)
from intarsia.types import LabelMap

_QUALITIES = {"pq": panoptic_quality, "sq": segmentation_quality, "rq": recognition_quality}


def score_panoptic(
    predicted: PanopticFile, truth: PanopticFile, progress: Progress | None = None, *, group_by: str | None = None
) -> CountedPictures[PanopticCounts]:
    """Match the segments of every picture.

    Args:
        predicted: its pictures are those of the truth, by image id.
        truth: with categories; predictions use their ids.
        progress: called with (done, total).
        group_by: a regular expression whose one group finds the patient or video in the name of a PNG; default is each
            picture alone. See :func:`~intarsia.data.splits.find_groups`.

    Raises:
        DataError: pictures without a partner, a truth without categories, names without a group, or a file that
            cannot be used.
        RecipeError: ``group_by`` is no regular expression with one group.
        ShapeError: a prediction of another size than its truth.
    """
    label_map = label_map_of(truth)
    missing = sorted(truth.pictures.keys() - predicted.pictures.keys())
    alone = sorted(predicted.pictures.keys() - truth.pictures.keys())
    if missing or alone:
        unpaired = [truth.pictures[i].name for i in missing] + [predicted.pictures[i].name for i in alone]
        raise DataError(
            f"{len(missing)} true pictures have no prediction of the same image_id, and {len(alone)} predictions no"
            f" truth ({', '.join(unpaired[:5])}{' …' if len(unpaired) > 5 else ''})",
            where=[predicted.path, truth.path],
            remedy="Predict what is missing or remove what has no partner; silent gaps would change the score",
        )

    def count(image: int) -> PanopticCounts:
        true, found = (read_panoptic(file.pictures[image], label_map) for file in (truth, predicted))
        return count_panoptic(true, found, label_map, where=predicted.pictures[image].png)

    images = list(truth.pictures)
    names = tuple(truth.pictures[image].name for image in images)
    groups = tuple(find_groups(names, group_by)) if group_by else names
    return CountedPictures(names, groups, stack(map_files(count, images, progress)))


def label_map_of(truth: PanopticFile) -> LabelMap:
    """The classes of a true panoptic file.

    Raises:
        DataError: it lists none.
    """
    if truth.label_map is None:
        raise DataError(
            "has no `categories`, so it is not known which classes are things",
            where=truth.path,
            remedy="Add the `categories`, each with `id`, `name` and `isthing`",
        )
    return truth.label_map


def summarize_panoptic(
    scored: CountedPictures[PanopticCounts],
    label_map: LabelMap,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    warnings: Sequence[str] = (),
) -> SegmentSummary:
    """PQ, SQ and RQ over all classes, over things and over stuff, and of each class, with 95% intervals.

    Args:
        scored: the counts.
        label_map: the K classes and which of them are things.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.
        warnings: what is wrong with the files (:func:`~intarsia.evaluate.provenance.pair_warnings`).
    """
    things = thing_classes(label_map)
    kinds = {"": np.ones_like(things), "_things": things, "_stuff": ~things}

    def figures(counts: PanopticCounts) -> Float64[np.ndarray, "*batch figures"]:
        of_classes = [quality(counts) for quality in _QUALITIES.values()]
        means = [mean_of_defined(values[..., kind], axis=-1) for kind in kinds.values() for values in of_classes]
        return np.concatenate([np.stack(means, axis=-1), *of_classes], axis=-1)

    pooled = total(scored.counts)
    interval = bootstrap_counts_interval(scored.counts, scored.groups, figures, resamples=resamples, seed=seed)
    found = estimates(figures(pooled), interval)
    overall = {f"{quality}{kind}": found.pop(0) for kind in kinds for quality in _QUALITIES}
    own = panoptic_quality(scored.counts)
    classes = [
        {
            "id": label_map.ids[k],
            "name": label_map.names[k],
            "thing": bool(things[k]),
            **of_class,
            **{name: int(getattr(pooled, name)[k]) for name in MATCHED},
        }
        for k, of_class in enumerate(of_each_class(tuple(_QUALITIES), found))
    ]
    sections = {"classes": classes, "per_image": worst_first(scored, {"pq": mean_of_defined(own, axis=-1)})}
    conventions = {
        "matching": "panopticapi: same class and IoU above 0.5, the union without void pixels of the truth",
        "void and crowd": "a predicted segment of which more than half is on void, or on the crowd region of its class,"
        " is no false positive; crowd regions are neither matched nor missed",
        "averaging": "a class's figures come from the segments of all images together; overall figures are means over"
        " classes",
        "absent classes": "a class absent from truth and prediction enters no mean; a class without a match has SQ 0; a"
        " class that occurs in a single image, or group, has no interval",
        "interval": interval_in_words(scored.groups, resamples, seed),
    }
    size = {"images": len(scored.names), "groups": len(set(scored.groups))}
    return SegmentSummary("panoptic", overall, sections, **size, conventions=conventions, warnings=tuple(warnings))
