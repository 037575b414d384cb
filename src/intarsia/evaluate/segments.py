"""What scoring objects and scoring panoptic maps have in common: counts of pictures, tables of figures, warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Shaped

from intarsia.data.formats.provenance import maker_of
from intarsia.evaluate.provenance import truth_warnings
from intarsia.evaluate.statistics import sum_by_group
from intarsia.evaluate.summary import Estimate
from intarsia.metrics.counts import to_plain, total

Kind = TypeVar("Kind")

MATCHED = ("true_positives", "false_positives", "false_negatives")
"""The counts of matches and of what has none, as they are called everywhere."""


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
        warnings: what makes the figures worth less than they seem, one sentence each.
    """

    task: str
    overall: Mapping[str, Estimate]
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
    images: int
    groups: int
    conventions: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` and ``--json`` hold; undefined figures are null."""
        rows = {name: [_plain(row) for row in section] for name, section in self.sections.items()}
        about = {"images": self.images, "groups": self.groups}
        return {
            "task": self.task,
            "warnings": list(self.warnings),
            "overall": _plain(self.overall),
            **rows,
            **about,
            "conventions": dict(self.conventions),
        }


def file_warnings(pairs: Sequence[tuple[Path, Path]], scored: CountedPictures[Any]) -> list[str]:
    """Warnings about (predicted, truth) files: truth that a model made, or that was scored against itself.

    Args:
        pairs: the files.
        scored: their counts: pairs of objects or segments, what has no partner, and ``iou_sum``.
    """
    makers = {maker for maker in map(maker_of, (predicted for predicted, _ in pairs)) if maker}
    warnings = truth_warnings([truth for _, truth in pairs], model=makers.pop() if len(makers) == 1 else "")
    whole = total(scored.counts)
    hits, spurious, missed = (getattr(whole, name) for name in MATCHED)
    if len(pairs) > 1 and hits.any() and not (spurious + missed).any() and (whole.iou_sum == hits).all():
        warnings.append("everything predicted equals its truth pixel for pixel: are these copies of the same masks?")
    return warnings


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
