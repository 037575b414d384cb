"""What scoring objects and scoring panoptic maps have in common: counts of pictures, tables of figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Shaped

from intarsia.evaluate.estimate import Estimate
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


def perfect(scored: CountedPictures[Any]) -> bool:
    """Whether several pictures hold objects or segments, each of which equals its partner."""
    whole = total(scored.counts)
    hits, spurious, missed = (getattr(whole, name) for name in MATCHED)
    several = len(scored.names) > 1 and hits.any()
    return bool(several and not (spurious + missed).any() and (whole.iou_sum == hits).all())


def of_each_class(names: Sequence[str], found: Sequence[Estimate]) -> list[dict[str, Estimate]]:
    """The figures of each class by name; ``found`` holds the first figure of every class, then the second, …"""
    classes = len(found) // len(names)
    return [dict(zip(names, found[k::classes], strict=True)) for k in range(classes)]


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


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain_value(value) for key, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value.to_dict()
    return None if isinstance(value, float) and math.isnan(value) else value
