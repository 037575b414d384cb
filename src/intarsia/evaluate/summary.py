"""Every figure of an evaluation, each with its interval and named by its convention."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.estimate import Estimate, estimates
from intarsia.evaluate.statistics import bootstrap_counts_interval, bootstrap_mean_interval, interval_in_words
from intarsia.metrics import (
    VOID_CONVENTIONS,
    ClassCounts,
    ScoreTable,
    Void,
    class_counts,
    cohens_kappa,
    dice,
    frequency_weighted_iou,
    generalized_dice,
    iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    mean_of_defined,
    mean_specificity,
    pixel_accuracy,
    precision,
    recall,
    specificity,
    support,
)
from intarsia.metrics.counts import total
from intarsia.metrics.undefined import or_none

OVERALL = {
    "mean_iou": mean_iou,
    "mean_dice": mean_dice,
    "pixel_accuracy": pixel_accuracy,
    "mean_accuracy": mean_accuracy,
    "mean_specificity": mean_specificity,
    "frequency_weighted_iou": frequency_weighted_iou,
    "generalized_dice": generalized_dice,
    "cohens_kappa": cohens_kappa,
}
"""The figures of all classes together, by name."""

OF_CLASSES = {"iou": iou, "dice": dice, "precision": precision, "recall": recall, "specificity": specificity}
"""The figures of each class, by name."""


@dataclass(frozen=True)
class ClassSummary:
    """The figures of one class.

    Args:
        id: its pixel value in mask files.
        name: its name.
        color: its display color, sRGB 0–255.
        support: its counted pixels in the truth.
        figures: those of :data:`OF_CLASSES` over the pixels of all images together, under their names; and as
            ``…_per_image`` the mean over images of the image's own figure, images where it is undefined left out.
    """

    id: int
    name: str
    color: tuple[int, int, int]
    support: int
    figures: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        plain = {"id": self.id, "name": self.name, "color": list(self.color), "support": self.support}
        return plain | {name: estimate.to_dict() for name, estimate in self.figures.items()}


@dataclass(frozen=True)
class ImageScore:
    """One picture's mean IoU over the classes present in it; NaN when nothing of it counts."""

    name: str
    group: str
    mean_iou: float

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {"name": self.name, "group": self.group, "mean_iou": or_none(self.mean_iou)}


@dataclass(frozen=True)
class Summary:
    """What an evaluation found.

    Args:
        overall: those of :data:`OVERALL`, as ``…_dataset`` over the pixels of all images together
            (``mean_iou_dataset`` is what papers call mIoU), and as ``…_per_image`` the mean over images of the image's
            own figure.
        classes: the figures of each class, in the order of the label map.
        per_image: the score of every picture, worst first; pictures without one come last.
        num_groups: how many independent groups the pictures form; as many as pictures when none was named.
        conventions: how void, absent classes, averages and intervals are treated, in words.
        sections: what else was found, by name, in a form JSON can hold.
        warnings: what makes the figures worth less than they seem, one sentence each.
    """

    overall: Mapping[str, Estimate]
    classes: tuple[ClassSummary, ...]
    per_image: tuple[ImageScore, ...]
    num_groups: int
    conventions: Mapping[str, str]
    sections: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` and ``--json`` hold; undefined figures are null."""
        return {
            "warnings": list(self.warnings),
            "overall": {name: estimate.to_dict() for name, estimate in self.overall.items()},
            "classes": [entry.to_dict() for entry in self.classes],
            "images": len(self.per_image),
            "groups": self.num_groups,
            "per_image": [score.to_dict() for score in self.per_image],
            "conventions": dict(self.conventions),
            **self.sections,
        }


def summarize(table: ScoreTable, *, void: Void = "exclude", resamples: int = 10_000, seed: int = 0) -> Summary:
    """Compute every figure and its 95% interval from the counts of each picture.

    Args:
        table: the counts.
        void: how void pixels are counted; see :data:`~intarsia.metrics.class_counts.VOID_CONVENTIONS`.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.
    """
    counts = class_counts(table.confusion, void)
    draw = {"resamples": resamples, "seed": seed}
    pooled = estimates(_figures(total(counts)), bootstrap_counts_interval(counts, table.groups, _figures, **draw))
    of_images = _figures(counts)
    averaged = estimates(mean_of_defined(of_images, axis=0), bootstrap_mean_interval(of_images, table.groups, **draw))
    return Summary(
        overall=_overall(pooled, averaged),
        classes=_classes(table, counts, pooled, averaged),
        per_image=_worst_first(table, counts),
        num_groups=len(set(table.groups)),
        conventions=_conventions(table, void, resamples, seed),
    )


def _figures(counts: ClassCounts) -> Float64[np.ndarray, "*batch figures"]:
    """Those of :data:`OVERALL` and then those of each class, so that one draw of the bootstrap serves them all."""
    means = np.stack([figure(counts) for figure in OVERALL.values()], axis=-1)
    return np.concatenate([means, *(figure(counts) for figure in OF_CLASSES.values())], axis=-1)


def _overall(pooled: list[Estimate], averaged: list[Estimate]) -> dict[str, Estimate]:
    return {
        f"{name}_{kind}": estimates[place]
        for kind, estimates in (("dataset", pooled), ("per_image", averaged))
        for place, name in enumerate(OVERALL)
    }


def _classes(
    table: ScoreTable, counts: ClassCounts, pooled: list[Estimate], averaged: list[Estimate]
) -> tuple[ClassSummary, ...]:
    labels, pixels = table.label_map, support(total(counts))

    def figures(k: int) -> dict[str, Estimate]:
        places = {name: len(OVERALL) + row * labels.num_classes + k for row, name in enumerate(OF_CLASSES)}
        own = {name: pooled[place] for name, place in places.items()}
        return own | {f"{name}_per_image": averaged[place] for name, place in places.items()}

    return tuple(
        ClassSummary(labels.ids[k], labels.names[k], labels.colors[k], int(pixels[k]), figures(k))
        for k in range(labels.num_classes)
    )


def _worst_first(table: ScoreTable, counts: ClassCounts) -> tuple[ImageScore, ...]:
    scores = map(ImageScore, table.names, table.groups, mean_iou(counts).tolist())
    return tuple(sorted(scores, key=lambda score: (math.isnan(score.mean_iou), score.mean_iou, score.name)))


def _conventions(table: ScoreTable, void: Void, resamples: int, seed: int) -> dict[str, str]:
    return {
        "void": f"{void}: {VOID_CONVENTIONS[void]}",
        "averaging": "names ending in _per_image are means over images, each weighing the same; every other figure"
        " comes from the pixels of all images together",
        "absent classes": "a class absent from truth and prediction has no IoU or Dice and enters no mean",
        "interval": interval_in_words(table.groups, resamples, seed),
    }
