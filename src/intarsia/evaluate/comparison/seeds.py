"""Luck in training: several runs of one recipe that differ in their seed alone.

An interval from one run knows the luck of which pictures were scored, and nothing of how another run would have turned
out. Several runs show that too. The variance of their mean is the sum of both; the interval is Student's t, its degrees
of freedom after Satterthwaite (Biometrics Bulletin 2(6), 1946), because two or three runs tell little of their spread.
Drawing the runs with replacement along with the pictures (a hierarchical bootstrap) covers less: `bench/bootstrap.py`
shows by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.special import stdtr, stdtrit

from intarsia.evaluate.saved import SavedEvaluation, align, check_distinct
from intarsia.evaluate.statistics import bootstrap_samples, groups_defined, known, percentile_interval
from intarsia.metrics import dice, iou, mean_dice, mean_iou, mean_of_defined
from intarsia.metrics.class_counts import ClassCounts
from intarsia.metrics.counts import total
from intarsia.metrics.undefined import or_none

_NOTHING = 1e-24  # a variance that rounding alone makes


@dataclass(frozen=True)
class Spread:
    """One figure over the runs of a method.

    Args:
        values: the figure of each run, in [0, 1].
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the runs."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """The standard deviation between runs (n − 1 in the denominator); NaN for a single run."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold: null for what is undefined."""
        return {
            "runs": len(self.values),
            "mean": or_none(self.mean),
            "standard_deviation": or_none(self.deviation),
            "min": or_none(float(np.min(self.values))),
            "max": or_none(float(np.max(self.values))),
            "values": [or_none(value) for value in self.values],
        }


@dataclass(frozen=True)
class RunsFigure:
    """One figure over the runs of a method, with two 95% intervals of its mean.

    Args:
        spread: the figure of each run.
        low: the lower end for other pictures and other runs.
        high: the upper end for other pictures and other runs.
        low_pictures: the lower end for other pictures, the runs being these.
        high_pictures: the upper end for other pictures, the runs being these.
    """

    spread: Spread
    low: float
    high: float
    low_pictures: float
    high_pictures: float

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold: null for what is undefined."""
        bounds = {name: or_none(getattr(self, name)) for name in ("low", "high", "low_pictures", "high_pictures")}
        return {**self.spread.to_dict(), **bounds}


@dataclass(frozen=True)
class RunsSummary:
    """The runs of one method.

    Args:
        sources: the file of each run.
        mean_iou: the dataset's mean IoU.
        mean_dice: the dataset's mean Dice.
        classes: id, name, IoU and Dice of each class, in the order of the label map.
        images: how many pictures.
        groups: how many independent groups they form.
    """

    sources: tuple[str, ...]
    mean_iou: RunsFigure
    mean_dice: RunsFigure
    classes: tuple[tuple[int, str, RunsFigure, RunsFigure], ...]
    images: int
    groups: int

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {
            "evaluations": list(self.sources),
            "overall": {"mean_iou_dataset": self.mean_iou.to_dict(), "mean_dice_dataset": self.mean_dice.to_dict()},
            "classes": [
                {"id": i, "name": name, "iou": of_iou.to_dict(), "dice": of_dice.to_dict()}
                for i, name, of_iou, of_dice in self.classes
            ],
            "images": self.images,
            "groups": self.groups,
        }


def summarize_runs(runs: Sequence[SavedEvaluation], *, resamples: int = 10_000, seed: int = 0) -> RunsSummary:
    """Mean and spread of each figure over several runs of one method.

    Args:
        runs: two evaluations or more, of the same pictures.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        DataError: evaluations that cannot be compared (:func:`~intarsia.evaluate.saved.align`), or a run that is
            there twice.
    """
    check_distinct(runs)
    aligned, _ = align(runs)
    groups, num_groups, labels = aligned[0].groups, len(set(aligned[0].groups)), aligned[0].label_map
    counts = side_by_side(aligned)

    def mean(of: ClassCounts) -> Float64[np.ndarray, "sets figures"]:
        return np.asarray(figures(of).mean(axis=1))

    samples = bootstrap_samples(counts, groups, mean, resamples=resamples, seed=seed)
    of_runs = figures(total(counts))
    low, high, _ = interval_with_runs(of_runs.mean(axis=0), samples, num_groups, of_runs)
    defined = groups_defined(counts, groups, mean)
    of_both, of_pictures = known(low, high, defined), known(*percentile_interval(samples, num_groups), defined)
    # Student's t knows no bounds, but an IoU has them.
    bounds = np.stack([*np.clip(of_both, 0, 1), *of_pictures], axis=1)
    each = [RunsFigure(Spread(tuple(of.tolist())), *row.tolist()) for of, row in zip(of_runs.T, bounds, strict=True)]
    k = labels.num_classes
    return RunsSummary(
        sources=tuple(str(run.path) for run in runs),
        mean_iou=each[0],
        mean_dice=each[1],
        classes=tuple(zip(labels.ids, labels.names, each[2 : 2 + k], each[2 + k :], strict=True)),
        images=len(groups),
        groups=num_groups,
    )


def figures(counts: ClassCounts) -> Float64[np.ndarray, "*batch figures"]:
    """Mean IoU, mean Dice, then the IoU and then the Dice of each class."""
    means = np.stack((mean_iou(counts), mean_dice(counts)), axis=-1)
    return np.concatenate([means, iou(counts), dice(counts)], axis=-1)


def side_by_side(runs: Sequence[SavedEvaluation]) -> ClassCounts:
    """The counts of several runs on one axis, [images, runs, K+1], so that each draw serves them all."""
    hits, true, predicted = (
        np.stack([getattr(run.counts, name) for run in runs], axis=1) for name in ("hits", "true", "predicted")
    )
    return ClassCounts(hits, true, predicted, runs[0].counts.void)


def interval_with_runs(
    value: Float64[np.ndarray, "figures"],
    samples: Float64[np.ndarray, "resamples figures"],
    groups: int,
    *sides: Float64[np.ndarray, "_ figures"],
    confidence: float = 0.95,
) -> tuple[Float64[np.ndarray, "figures"], Float64[np.ndarray, "figures"], Float64[np.ndarray, "figures"]]:
    """The interval of a mean over runs, or of the difference of two such means, for other pictures and other runs.

    Args:
        value: the figure: the mean over the runs, or the difference of two.
        samples: the same figure of each resampled data set, the runs being the same.
        groups: how many groups of pictures were resampled.
        sides: the figure of each run, one array a method, at least one of several runs. Methods are taken to spread
            alike, so that a method of a single run gets the spread of the other.
        confidence: how sure the interval is to hold the figure.

    Returns:
        Low, high, and the two-sided p-value of the figure being 0. NaN with a single group, and where the figure is
        undefined.
    """
    if groups < 2:
        return (np.full_like(value, np.nan),) * 3
    of_pictures = _variance(samples) * groups / (groups - 1)
    run_freedom = sum(len(runs) - 1 for runs in sides)
    between = np.sum([runs.var(axis=0) * len(runs) for runs in sides], axis=0) / run_freedom
    of_runs = between * sum(1 / len(runs) for runs in sides)
    variance = of_pictures + of_runs
    moves = ~(variance <= _NOTHING)
    weights = of_pictures**2 / (groups - 1) + of_runs**2 / run_freedom
    freedom = np.divide(variance**2, weights, out=np.ones_like(variance), where=moves)
    deviation = np.where(moves, np.sqrt(variance), 0.0)
    half = stdtrit(freedom, (1 + confidence) / 2) * deviation
    t = np.divide(np.abs(value), deviation, out=np.where(value == 0, 0.0, np.inf), where=moves)
    return value - half, value + half, np.where(np.isnan(value), np.nan, 2 * stdtr(freedom, -t))


def _variance(samples: Float64[np.ndarray, "resamples figures"]) -> Float64[np.ndarray, "figures"]:
    """Over the resamples in which the figure is defined; NaN where there is none."""
    return mean_of_defined((samples - mean_of_defined(samples, axis=0)) ** 2, axis=0)
