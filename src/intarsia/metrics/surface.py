"""How far the surface of a prediction lies from the true one, in physical units.

In a picture the surface of a class is its outline, measured by length; in a volume it is measured by area. From every
element of one surface (:mod:`~intarsia.metrics.surface_elements`) the distance to the nearest element of the other is
taken, in both directions, and each element weighs by its size. The figures:

- *normalized surface Dice* (NSD; Nikolov et al. 2018, arXiv:1809.04430): the share of both surfaces that lies within a
  tolerance of the other,
- *average surface distance*, from either surface or over both,
- *Hausdorff distance*: the largest distance, or, robust against single pixels, a percentile (95 for "HD95").

The first two are ratios of sums and pool over pictures; the Hausdorff distance is no sum, so it is a figure of one
picture, of which the mean or the maximum over pictures is taken.

Where only one of the surfaces exists, NSD is 0 and distances are infinite. Where neither exists, every figure is
undefined: NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from intarsia.errors import DataError
from intarsia.metrics.surface_search import SurfaceDistances
from intarsia.metrics.undefined import ratio

Direction = Literal["from-truth", "from-prediction", "symmetric", "mean"]
"""Which distances :func:`average_surface_distance` averages."""

_ROUNDING = 1e-9  # of a distance, relative


@dataclass(frozen=True, eq=False)
class SurfaceCounts:
    """What adds up over pictures; sizes are lengths or areas in the unit of the spacing, which may differ by picture.

    Args:
        tolerances: in the unit of the spacing.
        true_matched: the size of each class's true surface in pictures where the class is predicted too.
        predicted_matched: the size of the predicted surface in pictures where the class is also true.
        true_unmatched: the size of the true surface in pictures where nothing is predicted: its distance is infinite.
        predicted_unmatched: the size of the predicted surface in pictures where nothing is true.
        true_within: the size of the true surface within each tolerance of the predicted one.
        predicted_within: the size of the predicted surface within each tolerance of the true one.
        true_moment: the sum of size times distance over the matched true surface.
        predicted_moment: the same over the matched predicted surface.
    """

    tolerances: tuple[float, ...]
    true_matched: Float64[np.ndarray, "*batch classes"]
    predicted_matched: Float64[np.ndarray, "*batch classes"]
    true_unmatched: Float64[np.ndarray, "*batch classes"]
    predicted_unmatched: Float64[np.ndarray, "*batch classes"]
    true_within: Float64[np.ndarray, "*batch classes tolerances"]
    predicted_within: Float64[np.ndarray, "*batch classes tolerances"]
    true_moment: Float64[np.ndarray, "*batch classes"]
    predicted_moment: Float64[np.ndarray, "*batch classes"]


def surface_counts(distances: Sequence[SurfaceDistances], tolerances: Sequence[float]) -> SurfaceCounts:
    """Sum up the distances of one picture.

    Args:
        distances: one for each class.
        tolerances: in the unit of the spacing; a distance equal to the tolerance is within it.
    """
    true = [_sums(each.true_distances, each.true_sizes, tolerances) for each in distances]
    predicted = [_sums(each.predicted_distances, each.predicted_sizes, tolerances) for each in distances]
    arrays = [
        np.array(values, np.float64)
        for both in zip(zip(*true, strict=True), zip(*predicted, strict=True), strict=True)
        for values in both
    ]
    return SurfaceCounts(tuple(float(tolerance) for tolerance in tolerances), *arrays)


def _sums(
    far: Float64[np.ndarray, "elements"], sizes: Float64[np.ndarray, "elements"], tolerances: Sequence[float]
) -> tuple[float, float, list[float], float]:
    """Of one surface: its matched and its unmatched size, the size within each tolerance, and the moment."""
    reached = ~np.isinf(far)  # all or none
    # As a product 3 × 0.1 is more than 0.3; a distance that is equal but for its last bit is within.
    within = [float(sizes[far <= tolerance * (1 + _ROUNDING)].sum()) for tolerance in tolerances]
    moment = float((far[reached] * sizes[reached]).sum())
    return float(sizes[reached].sum()), float(sizes[~reached].sum()), within, moment


def surface_dice(counts: SurfaceCounts) -> Float64[np.ndarray, "*batch classes tolerances"]:
    """The normalized surface Dice (NSD) of each class at each tolerance, in [0, 1] or NaN.

    The share of both surfaces together that lies within the tolerance of the other.
    """
    size = counts.true_matched + counts.predicted_matched + (counts.true_unmatched + counts.predicted_unmatched)
    within = counts.true_within + counts.predicted_within
    return ratio(within, np.broadcast_to(size[..., None], within.shape))


def average_surface_distance(
    counts: SurfaceCounts,
    direction: Direction = "symmetric",
    *,
    missing: Literal["infinite", "exclude"] = "infinite",
) -> Float64[np.ndarray, "*batch classes"]:
    """The average surface distance of each class, in the unit of the spacing.

    Args:
        counts: of a picture or of many together.
        direction: "from-truth" averages over the true surface and "from-prediction" over the predicted one; "symmetric"
            averages over both surfaces together (ASSD; Heimann et al. 2009), and "mean" is the mean of the first two.
        missing: "infinite" makes the average infinite as soon as, in any picture, a surface it averages over has no
            counterpart; "exclude" leaves such surfaces out.

    Returns:
        At least 0; infinite, see ``missing``; NaN where there is no surface to average over.
    """
    if direction == "mean":
        one, other = (
            average_surface_distance(counts, side, missing=missing) for side in ("from-truth", "from-prediction")
        )
        # Where the only surface there is has no counterpart, the missing one's average is undefined, yet both are far.
        return np.where(np.isinf(one) | np.isinf(other), np.inf, (one + other) / 2)
    true = np.stack([counts.true_matched, counts.true_unmatched, counts.true_moment])
    predicted = np.stack([counts.predicted_matched, counts.predicted_unmatched, counts.predicted_moment])
    chosen = {"from-truth": true, "from-prediction": predicted, "symmetric": true + predicted}
    matched, unmatched, moment = chosen[direction]
    average = ratio(moment, matched)
    return np.where(unmatched > 0, np.inf, average) if missing == "infinite" else average


def hausdorff_distance(
    distances: Sequence[SurfaceDistances], percentile: float = 100.0
) -> Float64[np.ndarray, "classes"]:
    """The Hausdorff distance of each class of one picture, or a percentile of it (95 for HD95).

    The larger of the two directions; in each, the smallest distance that at least ``percentile`` percent of the surface
    (by length or area) does not exceed. It is a figure of a picture: those of several are averaged, or the
    largest is taken; none can be had from the pictures' sums.

    Args:
        distances: one for each class.
        percentile: above 0, at most 100; 100 is the largest distance.

    Returns:
        At least 0 in the unit of the spacing; infinite where only one surface exists, NaN where neither does.

    Raises:
        DataError: a percentile out of range.
    """
    if not 0 < percentile <= 100:
        raise DataError(
            f"{percentile} is no percentile", where="percentile", remedy="Give a number above 0 and at most 100"
        )
    share = percentile / 100
    sides = [
        (
            _percentile(each.true_distances, each.true_sizes, share),
            _percentile(each.predicted_distances, each.predicted_sizes, share),
        )
        for each in distances
    ]
    larger = np.array(sides, np.float64).reshape(-1, 2).max(axis=1)
    return np.where(larger < 0, np.nan, larger)


def _percentile(far: Float64[np.ndarray, "elements"], sizes: Float64[np.ndarray, "elements"], share: float) -> float:
    if not far.size:
        return -np.inf  # the other surface, if there is one, decides
    order = np.argsort(far)
    reached = np.cumsum(sizes[order]) / sizes.sum()
    return float(far[order[min(int(np.searchsorted(reached, share)), far.size - 1)]])
