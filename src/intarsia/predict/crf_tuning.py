"""Parameters of the dense CRF for a data set, found by trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float16, Shaped, UInt8, UInt16

from intarsia.metrics import class_counts, confusion_matrix, mean_iou
from intarsia.metrics.boundary import BoundaryCounts, Tolerance, boundary_counts, mean_boundary_f1
from intarsia.metrics.counts import stack, total
from intarsia.predict.crf import CrfParameters, refine
from intarsia.types import LabelMap

Metric = Literal["mean_iou", "boundary_f1"]

_TOLERANCE = Tolerance(0.75, "%")

METRICS: dict[Metric, str] = {
    "mean_iou": "mean IoU of the pixels of all pictures together",
    "boundary_f1": f"mean Boundary F1 of all pictures together, within {_TOLERANCE}",
}

_ORDER = ("bilateral_compat", "bilateral_srgb", "bilateral_sxy", "gaussian_compat", "gaussian_sxy")
_GAIN = 1e-5  # by which a score must rise for a change to be worth it


@dataclass(frozen=True)
class KnownPicture:
    """A picture, what a network says about it, and its truth.

    Args:
        image: uint8 or uint16 [H, W, C], C = 1 or 3.
        probabilities: float16 [K, H, W]; half the memory, and a thousandth of a probability exact.
        truth: class ids, uint8 or uint16 [H, W].
        name: for errors.
    """

    image: Shaped[np.ndarray, "height width channels"]
    probabilities: Float16[np.ndarray, "classes height width"]
    truth: UInt8[np.ndarray, "height width"] | UInt16[np.ndarray, "height width"]
    name: str


@dataclass(frozen=True)
class Trial:
    """Parameters that were tried, None for the network alone, and their score in [0, 1]."""

    parameters: CrfParameters | None
    score: float


@dataclass(frozen=True)
class Tuning:
    """What was tried.

    Args:
        alone: the network's own masks.
        start: the parameters the search began with.
        best: those with the highest score of all that were tried; the earliest of equals.
        trials: all of them, in order, ``alone`` and ``start`` first.
    """

    alone: Trial
    start: Trial
    best: Trial
    trials: tuple[Trial, ...]

    @property
    def helps(self) -> bool:
        """Whether the CRF is worth using at all."""
        return self.best.score > self.alone.score + _GAIN


def tune(
    pictures: Sequence[KnownPicture],
    label_map: LabelMap,
    *,
    metric: Metric = "mean_iou",
    rounds: int = 2,
    start: CrfParameters | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Search for the parameters with the best score, one after the other.

    In each round every parameter in turn (the weight and the two deviations of the color kernel, then those of the
    position kernel) is doubled as long as the score rises, and halved as long as it rises if doubling did not help.
    The search ends after ``rounds`` rounds, or when a round has changed nothing. ``iterations`` stay as they are.

    Args:
        pictures: at least one; the score is that of all their pixels together.
        label_map: the K classes.
        metric: what to raise, see :data:`METRICS`; both leave void pixels out.
        rounds: at most this many times through all parameters.
        start: where to begin; default :class:`CrfParameters`.
        progress: called with (parameters tried, those there will be at least).
    """
    search = _Search(pictures, label_map, metric, rounds, progress)
    alone, first = search.attempt(None), search.attempt(start or CrfParameters())
    best = first
    for _ in range(rounds):
        before = best
        for name in _ORDER:
            for factor in (2.0, 0.5):
                better = search.follow(best, name, factor)
                if better is not best:
                    best = better
                    break
        if best is before:
            break
    return Tuning(alone, first, best, tuple(search.trials))


def _count_boundaries(truth: np.ndarray, found: np.ndarray, label_map: LabelMap) -> BoundaryCounts:
    return boundary_counts(truth, found, label_map, tolerances=[_TOLERANCE], widths=())


def _mean_iou(counts: Sequence[Any]) -> float:
    return float(mean_iou(class_counts(np.sum(counts, axis=0))))


def _boundary_f1(counts: Sequence[Any]) -> float:
    return float(mean_boundary_f1(total(stack(counts)))[0])


_COUNTING: dict[Metric, tuple[Callable[..., Any], Callable[[Sequence[Any]], float]]] = {
    "mean_iou": (confusion_matrix, _mean_iou),
    "boundary_f1": (_count_boundaries, _boundary_f1),
}


class _Search:
    """Scores of parameters on fixed pictures, each computed once."""

    def __init__(
        self,
        pictures: Sequence[KnownPicture],
        label_map: LabelMap,
        metric: Metric,
        rounds: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.trials: list[Trial] = []
        self._pictures, self._label_map, self._progress = pictures, label_map, progress
        self._count, self._figure = _COUNTING[metric]
        self._known: dict[CrfParameters | None, Trial] = {}
        self._least = 2 + rounds * 2 * len(_ORDER)

    def attempt(self, parameters: CrfParameters | None) -> Trial:
        if parameters not in self._known:
            trial = self._known[parameters] = Trial(parameters, self._score(parameters))
            self.trials.append(trial)
            if self._progress:
                self._progress(len(self.trials), max(self._least, len(self.trials)))
        return self._known[parameters]

    def follow(self, best: Trial, name: str, factor: float) -> Trial:
        """Multiply a parameter as long as that raises the score."""
        assert best.parameters is not None
        while True:
            value = asdict(best.parameters)[name] * factor
            tried = self.attempt(replace(best.parameters, **{name: value}))
            if not tried.score > best.score + _GAIN:
                return best
            best = tried

    def _score(self, parameters: CrfParameters | None) -> float:
        counts = []
        for picture in self._pictures:
            probabilities = picture.probabilities
            if parameters is not None:
                probabilities = refine(picture.image, probabilities, parameters, picture.name)
            found = self._label_map.indices_to_ids(probabilities.argmax(axis=0).astype(np.int16))
            counts.append(self._count(picture.truth, found, self._label_map))
        return self._figure(counts)
