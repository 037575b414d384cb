"""What is gained by sending the doubtful ones to a person: risk over coverage, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.estimate import Estimate
from intarsia.evaluate.statistics import percentile_interval, resampled_times
from intarsia.metrics.selective import Blocks, area_under_risk_coverage, selective_risk
from intarsia.metrics.undefined import or_none

WITHHELD = 0.1
"""The share of the pictures that :class:`Withheld` sends to a person."""

_Ordered = tuple[np.ndarray, np.ndarray]  # sizes and losses of blocks, as intarsia.metrics.selective takes them
_POINTS = 100  # of a curve, at most


@dataclass(frozen=True)
class Withheld:
    """What sending the least confident pictures to a person changes.

    Args:
        pictures: how many are sent.
        of: how many there are, of those that have a mean IoU.
        confidence_below: pictures less confident than this are sent; on other pictures, the rule to follow.
        before: the mean over all pictures of their mean IoU.
        after: that of the rest.
        best: that of the rest if the pictures that are really worst had been sent.
        gain: ``after`` minus ``before``, the same share being sent in every resample.
    """

    pictures: int
    of: int
    confidence_below: float
    before: float
    after: float
    best: float
    gain: Estimate

    def sentence(self) -> str:
        """The same in words, saying no more than the pictures show."""
        share = f"Sending the {self.pictures} least confident of {self.of} pictures ({self.pictures / self.of:.0%})"
        change = f"the mean IoU per image of the rest from {self.before:.3f} to {self.after:.3f}"
        if self.gain.value <= 0 or f"{self.before:.3f}" == f"{self.after:.3f}":
            return f"{share} to a person does not help: it takes {change}."
        if math.isnan(self.gain.low):
            interval = "no interval: a single group says nothing about others"
        elif self.gain.low > 0:
            interval = f"a gain of {self.gain.value:.3f}, 95% interval {self.gain.low:.3f} to {self.gain.high:.3f}"
        else:
            interval = "which may be chance: the 95% interval of the gain includes 0"
        best = f"sending the {self.pictures} that are really worst would reach {self.best:.3f}"
        return f"{share} to a person raises {change} ({interval}); {best}."

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {**vars(self), "gain": self.gain.to_dict()}


@dataclass(frozen=True, eq=False)
class Curve:
    """Risk over coverage, in two orders.

    Args:
        coverage: shares kept, ascending, the last 1; empty without a unit.
        risk: the mean loss of the kept at each coverage, the most confident being kept.
        ideal: the same, those with the lowest loss being kept.
        random: the mean loss of all, which a random order has at every coverage.
        aurc: the mean of ``risk`` over all coverages.
        excess: what ``aurc`` has above that of the ideal order.
    """

    coverage: Float64[np.ndarray, "points"]
    risk: Float64[np.ndarray, "points"]
    ideal: Float64[np.ndarray, "points"]
    random: float
    aurc: Estimate
    excess: Estimate

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {
            "coverage": self.coverage.tolist(),
            "risk": self.risk.tolist(),
            "ideal": self.ideal.tolist(),
            "random": or_none(self.random),
            "aurc": self.aurc.to_dict(),
            "excess_aurc": self.excess.to_dict(),
        }


def picture_curve(
    confidence: Float64[np.ndarray, "images"],
    mean_iou: Float64[np.ndarray, "images"],
    groups: Sequence[str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[Curve, Withheld | None]:
    """Risk over coverage of pictures, the loss of a picture being 1 − its mean IoU.

    Args:
        confidence: of each picture.
        mean_iou: of each picture; pictures where either is NaN are left out.
        groups: what each picture belongs to; the intervals are drawn by group.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.

    Returns:
        The curve, and what sending :data:`WITHHELD` of the pictures changes: None with fewer than two of them.
    """
    scored = np.flatnonzero(~np.isnan(mean_iou) & ~np.isnan(confidence))
    confidence, losses, groups = confidence[scored], 1 - mean_iou[scored], [groups[at] for at in scored.tolist()]
    count = len(losses)
    if count == 0:
        empty, nowhere = np.zeros(0), Estimate(math.nan, math.nan, math.nan)
        return Curve(empty, empty, empty, math.nan, nowhere, nowhere), None
    orders = _Order.by(confidence, losses), _Order.by(-losses, losses)
    sent = max(1, round(WITHHELD * count))
    kept = (count - sent) / count

    def figures(times: Float64[np.ndarray, "*batch images"]) -> Float64[np.ndarray, "*batch three"]:
        """AURC, its excess, and what the mean IoU gains."""
        by_confidence, ideal = (order.blocks(times) for order in orders)
        area = area_under_risk_coverage(*by_confidence)
        excess = area - area_under_risk_coverage(*ideal)
        gain = selective_risk(*by_confidence, 1.0) - selective_risk(*by_confidence, kept)
        return np.stack([area, excess, gain], axis=-1)

    once = np.ones(count)
    samples = np.concatenate([figures(times) for times in _resampled(groups, resamples, seed)])
    low, high = percentile_interval(samples, len(set(groups)))
    aurc, excess, gain = map(Estimate, *(each.tolist() for each in (figures(once), low, high)))
    by_confidence, ideal = (order.blocks(once) for order in orders)
    curve = _curve(by_confidence, ideal, count, (aurc, excess))
    if count < 2:
        return curve, None
    after, best = (1 - float(selective_risk(*blocks, kept)) for blocks in (by_confidence, ideal))
    least_kept = float(confidence[orders[0].pictures[count - sent - 1]])
    return curve, Withheld(sent, count, least_kept, 1 - curve.random, after, best, gain)


def pixel_curve(pixels: Blocks, wrong: Blocks) -> Curve:
    """Risk over coverage of pixels, the loss of a pixel being 1 where it is wrong; without intervals.

    Args:
        pixels: in each bin of confidence, most confident first.
        wrong: those that are predicted wrong.
    """
    of, lost = int(pixels.sum()), int(wrong.sum())
    ideal = np.array([of - lost, lost]), np.array([0, lost])  # all right ones first, then all wrong ones
    area = float(area_under_risk_coverage(pixels, wrong))
    excess = area - float(area_under_risk_coverage(*ideal))
    return _curve((pixels, wrong), ideal, of, [Estimate(each, math.nan, math.nan) for each in (area, excess)])


def _curve(by_confidence: _Ordered, ideal: _Ordered, units: int, areas: Sequence[Estimate]) -> Curve:
    points = min(units, _POINTS)
    coverage = np.array([round(at * units / points) / units for at in range(1, points + 1)])
    risk, best = (np.array([float(selective_risk(*of, at)) for at in coverage]) for of in (by_confidence, ideal))
    return Curve(coverage, risk, best, float(selective_risk(*by_confidence, 1.0)), *areas)


@dataclass(frozen=True)
class _Order:
    """Pictures in the order of a score, highest first, those of equal scores as one block."""

    pictures: np.ndarray
    starts: np.ndarray
    losses: np.ndarray

    @classmethod
    def by(cls, score: Float64[np.ndarray, "images"], losses: Float64[np.ndarray, "images"]) -> _Order:
        pictures = np.argsort(-score, kind="stable")
        starts = np.flatnonzero(np.diff(score[pictures], prepend=np.inf))
        return cls(pictures, starts, losses[pictures])

    def blocks(self, times: Float64[np.ndarray, "*batch images"]) -> _Ordered:
        """Sizes and losses of the blocks, for data sets that hold picture i ``times[..., i]`` times."""
        ordered = times[..., self.pictures]
        sizes, losses = (np.add.reduceat(each, self.starts, axis=-1) for each in (ordered, ordered * self.losses))
        return sizes, losses


def _resampled(groups: Sequence[str], resamples: int, seed: int) -> Iterator[Float64[np.ndarray, "chunk images"]]:
    """How often each picture is in each resampled data set.

    Curves need this rather than sums: adding up a column a picture would cost the square of the pictures.
    """
    names, group_of_image = np.unique(np.asarray(groups), return_inverse=True)
    for times in resampled_times(len(names), resamples, seed, numbers=2 * len(groups)):
        yield times[:, group_of_image]
