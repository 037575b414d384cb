"""Whole data sets of objects and panoptic maps, from files to figures with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from intarsia.data.formats.panoptic import PanopticFile, read_panoptic
from intarsia.data.parallel import Progress, map_files
from intarsia.errors import DataError
from intarsia.evaluate.statistics import bootstrap_counts_interval, sum_by_group
from intarsia.evaluate.summary import Estimate
from intarsia.metrics import mean_of_defined
from intarsia.metrics.counts import stack, to_plain, total
from intarsia.metrics.panoptic import (
    PanopticCounts,
    count_panoptic,
    panoptic_quality,
    recognition_quality,
    segmentation_quality,
    thing_classes,
)
from intarsia.types import LabelMap

Kind = TypeVar("Kind")

MATCHED = ("true_positives", "false_positives", "false_negatives")
"""The counts of matches and of what has none, as they are called everywhere."""

_QUALITIES = {"pq": panoptic_quality, "sq": segmentation_quality, "rq": recognition_quality}


@dataclass(frozen=True, eq=False)
class CountedPictures(Generic[Kind]):
    """The counts of every picture.

    Args:
        names: what each picture is called.
        groups: what each picture belongs to and is not independent of (a patient, a video); its own name when nothing.
        counts: a dataclass of additive counts (:mod:`intarsia.metrics.counts`); the first axis of its arrays is images.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: Kind

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {"names": list(self.names), "groups": list(self.groups), "counts": to_plain(self.counts)}


@dataclass(frozen=True)
class SegmentSummary:
    """What scoring objects or panoptic maps found.

    Args:
        task: ``instance`` or ``panoptic``.
        overall: the figures of the data set, by name.
        sections: lists of rows by name, of classes, thresholds, sizes and pictures; a row holds text, numbers and
            estimates.
        images: how many pictures were scored.
        groups: how many independent groups they form.
        conventions: how things are counted, in words.
    """

    task: str
    overall: Mapping[str, Estimate]
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
    images: int
    groups: int
    conventions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` and ``--json`` hold; undefined figures are null."""
        rows = {name: [_plain(row) for row in section] for name, section in self.sections.items()}
        about = {"images": self.images, "groups": self.groups}
        return {
            "task": self.task,
            "overall": _plain(self.overall),
            **rows,
            **about,
            "conventions": dict(self.conventions),
        }


def score_panoptic(
    predicted: PanopticFile, truth: PanopticFile, progress: Progress | None = None
) -> CountedPictures[PanopticCounts]:
    """Match the segments of every picture.

    Args:
        predicted: its pictures are those of the truth, by image id.
        truth: with categories; predictions use their ids.
        progress: called with (done, total).

    Raises:
        DataError: pictures without a partner, a truth without categories, or a file that cannot be used.
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
    return CountedPictures(names, names, stack(map_files(count, images, progress)))


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
    scored: CountedPictures[PanopticCounts], label_map: LabelMap, *, resamples: int = 10_000, seed: int = 0
) -> SegmentSummary:
    """PQ, SQ and RQ over all classes, over things and over stuff, and of each class, with 95% intervals.

    Args:
        scored: the counts.
        label_map: the K classes and which of them are things.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.
    """
    things = thing_classes(label_map)
    kinds = {"": np.ones_like(things), "_things": things, "_stuff": ~things}

    def figures(counts: PanopticCounts) -> Float64[np.ndarray, "*batch figures"]:
        of_classes = [quality(counts) for quality in _QUALITIES.values()]
        means = [mean_of_defined(values[..., kind], axis=-1) for kind in kinds.values() for values in of_classes]
        return np.concatenate([np.stack(means, axis=-1), *of_classes], axis=-1)

    pooled = total(scored.counts)
    interval = bootstrap_counts_interval(scored.counts, scored.groups, figures, resamples=resamples, seed=seed)
    estimates = estimates_of(figures(pooled), interval)
    overall = {f"{quality}{kind}": estimates.pop(0) for kind in kinds for quality in _QUALITIES}
    own = panoptic_quality(scored.counts)
    classes = [
        {
            "id": label_map.ids[k],
            "name": label_map.names[k],
            "thing": bool(things[k]),
            **of_class,
            **{name: int(getattr(pooled, name)[k]) for name in MATCHED},
        }
        for k, of_class in enumerate(class_estimates(tuple(_QUALITIES), estimates, ~np.isnan(own), scored.groups))
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
    return SegmentSummary("panoptic", overall, sections, len(scored.names), len(set(scored.groups)), conventions)


def estimates_of(
    values: Shaped[np.ndarray, "figures"], interval: tuple[Shaped[np.ndarray, "figures"], Shaped[np.ndarray, "figures"]]
) -> list[Estimate]:
    """Figures and the ends of their intervals, side by side."""
    return [Estimate(*map(float, each)) for each in zip(values, *interval, strict=True)]


def class_estimates(
    names: Sequence[str],
    estimates: Sequence[Estimate],
    occurs: Bool[np.ndarray, "images classes"],
    groups: Sequence[str],
) -> list[dict[str, Estimate]]:
    """The figures of each class, by name.

    Args:
        names: of the figures.
        estimates: the first figure of every class, then the second, and so on.
        occurs: which classes each image holds; one that a single group holds is left without interval, because it says
            nothing about the spread between groups.
        groups: the group of each image.
    """
    known = (sum_by_group(occurs.astype(np.int64), groups) > 0).sum(axis=0) > 1
    return [
        {
            name: each if spread else Estimate(each.value, math.nan, math.nan)
            for name, each in zip(names, estimates[k :: len(known)], strict=True)
        }
        for k, spread in enumerate(known.tolist())
    ]


def worst_first(
    scored: CountedPictures[Any], columns: Mapping[str, Shaped[np.ndarray, "images"]]
) -> list[dict[str, Any]]:
    """A row for each picture, by its first column; pictures whose figure is undefined come last."""
    values = [column.tolist() for column in columns.values()]
    rows = [
        {"name": name, "group": group, **dict(zip(columns, row, strict=True))}
        for name, group, *row in zip(scored.names, scored.groups, *values, strict=True)
    ]
    first = next(iter(columns))
    return sorted(rows, key=lambda row: (math.isnan(row[first]), row[first], row["name"]))


def interval_in_words(groups: Sequence[str], resamples: int, seed: int) -> str:
    """How the intervals were made, or why there are none."""
    count = len(set(groups))
    unit, units = ("image", "images") if count == len(groups) else ("group", "groups of images")
    if count == 1:
        return f"none: a single {unit} says nothing about the spread between {unit}s"
    return f"95% percentile bootstrap over {count} {units}, {resamples:,} resamples, seed {seed}"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain_value(value) for key, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value.to_dict()
    return None if isinstance(value, float) and math.isnan(value) else value
