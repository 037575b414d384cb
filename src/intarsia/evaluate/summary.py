"""Every figure of an evaluation, each with its interval and named by its convention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.statistics import bootstrap_interval, bootstrap_mean_interval
from intarsia.metrics import (
    ScoreTable,
    dice,
    iou,
    mean_dice,
    mean_iou,
    mean_of_defined,
    pixel_accuracy,
    precision,
    recall,
    support,
)
from intarsia.metrics.overlap import Counts


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval.

    Args:
        value: in [0, 1]; NaN when undefined.
        low: the interval's lower end; NaN when there is none (a single group, or an undefined figure).
        high: the interval's upper end; NaN when there is none.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """A form JSON can hold: null for what is undefined."""
        return {"value": _or_none(self.value), "low": _or_none(self.low), "high": _or_none(self.high)}


@dataclass(frozen=True)
class ClassSummary:
    """The figures of one class.

    Args:
        id: its pixel value in mask files.
        name: its name.
        color: its display color, sRGB 0–255.
        support: its pixels in the truth.
        iou: intersection over union of the whole data set's pixels.
        dice: Dice coefficient of the whole data set's pixels.
        precision: of the whole data set's pixels.
        recall: of the whole data set's pixels.
        iou_per_image: the mean over images of the image's IoU, images without the class (in truth and prediction)
            left out.
        dice_per_image: the same mean of the Dice coefficient.
    """

    id: int
    name: str
    color: tuple[int, int, int]
    support: int
    iou: Estimate
    dice: Estimate
    precision: Estimate
    recall: Estimate
    iou_per_image: Estimate
    dice_per_image: Estimate

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {
            "id": self.id,
            "name": self.name,
            "color": list(self.color),
            "support": self.support,
            "iou": self.iou.to_dict(),
            "dice": self.dice.to_dict(),
            "precision": self.precision.to_dict(),
            "recall": self.recall.to_dict(),
            "iou_per_image": self.iou_per_image.to_dict(),
            "dice_per_image": self.dice_per_image.to_dict(),
        }


@dataclass(frozen=True)
class ImageScore:
    """One picture's mean IoU over the classes present in it; NaN when all of it is void."""

    name: str
    group: str
    mean_iou: float

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {"name": self.name, "group": self.group, "mean_iou": _or_none(self.mean_iou)}


@dataclass(frozen=True)
class Summary:
    """What an evaluation found.

    Args:
        pixel_accuracy: the share of the data set's pixels that are right.
        mean_iou_dataset: the mean over classes of the whole data set's IoU: what papers call mIoU.
        mean_dice_dataset: the mean over classes of the whole data set's Dice coefficient.
        mean_iou_per_image: the mean over images of the image's own mean IoU.
        mean_dice_per_image: the mean over images of the image's own mean Dice coefficient.
        classes: the figures of each class, in the order of the label map.
        per_image: the score of every picture, worst first; pictures without one come last.
        num_groups: how many independent groups the pictures form; as many as pictures when none was named.
        conventions: how void, absent classes, averages and intervals are treated, in words.
    """

    pixel_accuracy: Estimate
    mean_iou_dataset: Estimate
    mean_dice_dataset: Estimate
    mean_iou_per_image: Estimate
    mean_dice_per_image: Estimate
    classes: tuple[ClassSummary, ...]
    per_image: tuple[ImageScore, ...]
    num_groups: int
    conventions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``metrics.json`` and ``--json`` hold; undefined figures are null."""
        return {
            "overall": {
                "pixel_accuracy": self.pixel_accuracy.to_dict(),
                "mean_iou_dataset": self.mean_iou_dataset.to_dict(),
                "mean_dice_dataset": self.mean_dice_dataset.to_dict(),
                "mean_iou_per_image": self.mean_iou_per_image.to_dict(),
                "mean_dice_per_image": self.mean_dice_per_image.to_dict(),
            },
            "classes": [entry.to_dict() for entry in self.classes],
            "images": len(self.per_image),
            "groups": self.num_groups,
            "per_image": [score.to_dict() for score in self.per_image],
            "conventions": dict(self.conventions),
        }


def summarize(table: ScoreTable, *, resamples: int = 10_000, seed: int = 0) -> Summary:
    """Compute every figure and its 95% interval from the counts of each picture.

    Args:
        table: the counts.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_interval`.
        seed: of the bootstrap.
    """
    pooled = _estimates(
        _pooled_figures(table.dataset), *bootstrap_interval(table, _pooled_figures, resamples=resamples, seed=seed)
    )
    of_images = _averaged_figures(table.confusion)
    averaged = _estimates(
        mean_of_defined(of_images, axis=0),
        *bootstrap_mean_interval(of_images, table.groups, resamples=resamples, seed=seed),
    )
    return Summary(
        pixel_accuracy=pooled[0],
        mean_iou_dataset=pooled[1],
        mean_dice_dataset=pooled[2],
        mean_iou_per_image=averaged[0],
        mean_dice_per_image=averaged[1],
        classes=_classes(table, pooled[3:], averaged[2:]),
        per_image=_worst_first(table),
        num_groups=len(set(table.groups)),
        conventions=_conventions(table, resamples, seed),
    )


def _pooled_figures(confusion: Counts) -> Float64[np.ndarray, "*batch figures"]:
    """Three means and then four figures a class, so that one draw of the bootstrap serves them all."""
    means = (pixel_accuracy(confusion), mean_iou(confusion), mean_dice(confusion))
    of_classes = (iou(confusion), dice(confusion), precision(confusion), recall(confusion))
    return np.concatenate([np.stack(means, axis=-1), *of_classes], axis=-1)


def _averaged_figures(confusion: Counts) -> Float64[np.ndarray, "*batch figures"]:
    """Two means and then two figures a class, of each image, to be averaged over images."""
    means = np.stack((mean_iou(confusion), mean_dice(confusion)), axis=-1)
    return np.concatenate([means, iou(confusion), dice(confusion)], axis=-1)


def _estimates(
    values: Float64[np.ndarray, "figures"], low: Float64[np.ndarray, "figures"], high: Float64[np.ndarray, "figures"]
) -> list[Estimate]:
    return [Estimate(*map(float, figures)) for figures in zip(values, low, high, strict=True)]


def _classes(table: ScoreTable, pooled: list[Estimate], averaged: list[Estimate]) -> tuple[ClassSummary, ...]:
    labels, pixels = table.label_map, support(table.dataset)
    count = labels.num_classes
    return tuple(
        ClassSummary(
            id=labels.ids[k],
            name=labels.names[k],
            color=labels.colors[k],
            support=int(pixels[k]),
            iou=pooled[k],
            dice=pooled[count + k],
            precision=pooled[2 * count + k],
            recall=pooled[3 * count + k],
            iou_per_image=averaged[k],
            dice_per_image=averaged[count + k],
        )
        for k in range(count)
    )


def _worst_first(table: ScoreTable) -> tuple[ImageScore, ...]:
    scores = map(ImageScore, table.names, table.groups, mean_iou(table.confusion).tolist())
    return tuple(sorted(scores, key=lambda score: (math.isnan(score.mean_iou), score.mean_iou, score.name)))


def _conventions(table: ScoreTable, resamples: int, seed: int) -> dict[str, str]:
    groups = len(set(table.groups))
    unit, units = ("image", "images") if groups == len(table.names) else ("group", "groups of images")
    interval = (
        f"95% percentile bootstrap over {groups} {units}, {resamples:,} resamples, seed {seed}"
        if groups > 1
        else f"none: a single {unit} says nothing about the spread between {unit}s"
    )
    return {
        "void": "exclude: pixels whose truth is void count nowhere; a void prediction elsewhere is a miss of the true"
        " class",
        "averaging": "names ending in _per_image are means over images, each weighing the same; every other figure"
        " comes from the pixels of all images together",
        "absent classes": "a class absent from truth and prediction has no IoU or Dice and enters no mean",
        "interval": interval,
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
