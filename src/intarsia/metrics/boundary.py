"""Boundary figures: how near the predicted borders of each class are to the true ones, and how right it is there.

All are computed per class on that class's own mask, with the boundaries of :mod:`intarsia.ops.boundary`:

- Boundary F1 (Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC 2013): precision is
  the share of predicted boundary pixels with a true boundary pixel of the same class within a tolerance, recall the
  share of true ones with a predicted one; F1 is their harmonic mean.
- Boundary IoU (Cheng et al., CVPR 2021): the IoU of the two bands inside the masks, as wide as 2% of the diagonal.
- Trimap IoU (Kohli et al., IJCV 2009; Chen et al., DeepLab, TPAMI 2018): the IoU of the pixels around true borders.

A pixel whose truth is void counts nowhere and makes no border, whatever is predicted there. A void prediction elsewhere
is of no class: the masks next to it end there. Where a class has nothing to count, a figure is undefined: NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int64, Shaped

from intarsia.errors import RecipeError
from intarsia.metrics.boundary_kernels import count_bands, count_matched, count_rings, list_pixels
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.undefined import mean_of_defined, ratio
from intarsia.ops.boundary import class_bands, class_boundaries, squared_distance_within
from intarsia.types import IGNORE_INDEX, LabelMap

_Classes = Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
_Tolerances = Int64[np.ndarray, "*batch k t"] | Float64[np.ndarray, "*batch k t"]
_Widths = Int64[np.ndarray, "*batch k w"] | Float64[np.ndarray, "*batch k w"]


@dataclass(frozen=True)
class Tolerance:
    """How far apart two borders may be and still match.

    Args:
        value: ≥ 0 and finite.
        unit: pixels between centers, or percent of the picture's diagonal.

    Raises:
        RecipeError: a value that is negative or not finite.
    """

    value: float | int
    unit: Literal["px", "%"] = "px"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0):
            raise RecipeError(f"{self.value} is no distance", where="tolerance", remedy=_TOLERANCE_REMEDY)

    def __str__(self) -> str:
        """``2 px`` or ``0.75% of the diagonal``; :meth:`parse` reads it back."""
        number = repr(float(self.value)).removesuffix(".0")
        return f"{number} px" if self.unit == "px" else f"{number}% of the diagonal"

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read ``2``, ``2 px``, ``0.75%`` or ``0.75% of the diagonal``.

        Raises:
            RecipeError: any other text.
        """
        match = re.fullmatch(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(px|%(?:\s*of the diagonal)?)?\s*", text)
        try:
            value = float(match[1]) if match else math.nan
        except ValueError:
            value = math.nan
        if match is None or math.isnan(value):
            raise RecipeError(f"{text!r} is no distance", where="tolerance", remedy=_TOLERANCE_REMEDY)
        return cls(value, "%" if (match[2] or "").startswith("%") else "px")

    def pixels(self, height: int, width: int) -> float | int:
        """The tolerance in pixels for a picture of this size."""
        return self.value if self.unit == "px" else self.value / 100 * math.hypot(height, width)


_TOLERANCE_REMEDY = 'Give a number ≥ 0 of pixels ("2 px") or of percent of the diagonal ("0.75%")'

DEFAULT_TOLERANCES = (Tolerance(1), Tolerance(2), Tolerance(3), Tolerance(5), Tolerance(0.75, "%"))
"""Pixels that suit most pictures, and the 0.75% of the diagonal that Csurka et al. use."""

DEFAULT_WIDTHS = (1, 2, 4, 8, 16)
"""Of trimaps, in pixels."""

DEFAULT_BAND = Tolerance(2, "%")
"""The width of Boundary IoU's bands that Cheng et al. use; on Cityscapes they use 0.5% of the diagonal."""


@dataclass(frozen=True, eq=False)
class BoundaryCounts:
    """What boundary figures need to know of one picture, or of many along the leading axes; additive over pictures.

    Args:
        true: boundary pixels [..., K] of each class's true mask.
        predicted: boundary pixels [..., K] of each class's predicted mask.
        true_matched: of the true ones, those [..., K, T] with a predicted one of the class within each tolerance.
        predicted_matched: of the predicted ones, those [..., K, T] with a true one of the class.
        band_true: pixels [..., K] of the true mask in its band.
        band_predicted: pixels [..., K] of the predicted mask in its band.
        band_common: pixels [..., K] in both bands.
        trimap_true: pixels [..., K, W] of the true mask within each width of a true border of any class.
        trimap_predicted: pixels [..., K, W] of the predicted mask there.
        trimap_common: pixels [..., K, W] of both masks there.
        tolerances: T tolerances as :class:`Tolerance` renders them.
        widths: W trimap widths in pixels.
        band: the bands' width as :class:`Tolerance` renders it.
    """

    true: _Classes
    predicted: _Classes
    true_matched: _Tolerances
    predicted_matched: _Tolerances
    band_true: _Classes
    band_predicted: _Classes
    band_common: _Classes
    trimap_true: _Widths
    trimap_predicted: _Widths
    trimap_common: _Widths
    tolerances: tuple[str, ...]
    widths: tuple[float | int, ...]
    band: str


def boundary_counts(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    *,
    tolerances: Sequence[Tolerance] = DEFAULT_TOLERANCES,
    widths: Sequence[float | int] = DEFAULT_WIDTHS,
    band: Tolerance = DEFAULT_BAND,
    where: str | Path = "mask",
) -> BoundaryCounts:
    """Count what every boundary figure of one picture needs.

    Args:
        truth: ids, uint8 or uint16 [H, W].
        predicted: ids, uint8 or uint16 [H, W].
        label_map: what the ids mean; K classes.
        tolerances: for Boundary F1.
        widths: for trimaps: how far from the nearest true boundary pixel, in pixels ≥ 0.
        band: for Boundary IoU: how wide the bands are; rounded to whole pixels, at least one.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        DataError: an id that is neither a class nor the ignore id.
        RecipeError: a width that is negative or not finite.
    """
    if not all(math.isfinite(width) and width >= 0 for width in widths):
        raise RecipeError(
            f"the trimap widths {', '.join(map(str, widths))} are not all distances",
            where="widths",
            remedy="Give pixels, each a number ≥ 0",
        )
    confusion_matrix(truth, predicted, label_map, where)  # refuses what cannot be counted, in under a millisecond
    k, (height, width) = label_map.num_classes, truth.shape
    true, found = _indices(truth, predicted, label_map)
    true_borders, borders = class_boundaries(true), class_boundaries(found)
    true_listed, listed = list_pixels(true, true_borders, k), list_pixels(found, borders, k)
    limits = _squared_limits([tolerance.pixels(height, width) for tolerance in tolerances], height + width)
    pixels = max(1, round(band.pixels(height, width)))
    in_bands = count_bands(true, found, class_bands(true, pixels), class_bands(found, pixels), k)
    in_trimaps = _count_trimaps(true, found, true_borders, widths, k)
    return BoundaryCounts(
        true=true_listed.of_classes(k),
        predicted=listed.of_classes(k),
        true_matched=count_matched(true_listed, listed, k, limits),
        predicted_matched=count_matched(listed, true_listed, k, limits),
        band_true=in_bands[0],
        band_predicted=in_bands[1],
        band_common=in_bands[2],
        trimap_true=in_trimaps[0],
        trimap_predicted=in_trimaps[1],
        trimap_common=in_trimaps[2],
        tolerances=tuple(map(str, tolerances)),
        widths=tuple(widths),
        band=str(band),
    )


def boundary_precision(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch k t"]:
    """The share of each class's predicted boundary within each tolerance of a true one; NaN where none is predicted."""
    return ratio(counts.predicted_matched, counts.predicted[..., None])


def boundary_recall(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch k t"]:
    """The share of each class's true boundary within each tolerance of a predicted one; NaN where there is none."""
    return ratio(counts.true_matched, counts.true[..., None])


def boundary_f1(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch k t"]:
    """The harmonic mean of precision and recall, in [0, 1]: of each class, at each tolerance.

    0 where a boundary is only true or only predicted, NaN where it is neither (the class is absent, or fills all that
    is not void). Of pooled counts it is a figure of the data set; Csurka et al. take the mean over images instead.
    """
    true, predicted = counts.true[..., None], counts.predicted[..., None]
    true_matched, predicted_matched = counts.true_matched.astype(np.float64), counts.predicted_matched
    # 2PR / (P + R) with the fractions cleared; where nothing matches, any positive denominator gives 0.
    denominator = predicted_matched * true + true_matched * predicted
    return ratio(2 * true_matched * predicted_matched, np.where(denominator > 0, denominator, true + predicted))


def boundary_iou(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch k"]:
    """The IoU of the true and the predicted band of each class, in [0, 1]; NaN for a class that is in neither mask.

    It is not the minimum with the IoU of the masks, which Cheng et al. recommend for average precision.
    """
    return _iou(counts.band_true, counts.band_predicted, counts.band_common)


def trimap_iou(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch k w"]:
    """The IoU of each class over the pixels within each width of a true border of any class.

    In [0, 1]; NaN for a class that is neither true nor predicted there.
    """
    return _iou(counts.trimap_true, counts.trimap_predicted, counts.trimap_common)


def mean_boundary_f1(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch t"]:
    """The mean of :func:`boundary_f1` over the classes where it is defined; NaN where there is none."""
    return mean_of_defined(boundary_f1(counts), axis=-2)


def mean_boundary_iou(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch"]:
    """The mean of :func:`boundary_iou` over the classes where it is defined; NaN where there is none."""
    return mean_of_defined(boundary_iou(counts), axis=-1)


def mean_trimap_iou(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch w"]:
    """The mean of :func:`trimap_iou` over the classes where it is defined; NaN where there is none."""
    return mean_of_defined(trimap_iou(counts), axis=-2)


def _indices(
    truth: Shaped[np.ndarray, "height width"], predicted: Shaped[np.ndarray, "height width"], label_map: LabelMap
) -> tuple[Int16[np.ndarray, "height width"], Int16[np.ndarray, "height width"]]:
    """Class indices; void truth is void in both, and a void prediction elsewhere is label K, a class of its own."""
    index = label_map.index_of_id
    true, found = np.take(index, truth), np.take(index, predicted)
    void = true == label_map.num_classes
    true[void] = found[void] = IGNORE_INDEX
    return true, found


def _count_trimaps(
    true: Int16[np.ndarray, "height width"],
    found: Int16[np.ndarray, "height width"],
    borders: Bool[np.ndarray, "height width"],
    widths: Sequence[float | int],
    k: int,
) -> Int64[np.ndarray, "3 {k} {len(widths)}"]:
    # Every pixel is counted once, by the narrowest trimap it is in; wider ones add up the narrower.
    limits, order = np.unique(_squared_limits(widths, sum(borders.shape)), return_inverse=True)
    squared = squared_distance_within(borders, math.isqrt(max(limits, default=0)))
    counts: Int64[np.ndarray, "_ _ _"] = count_rings(true, found, squared, limits, k).cumsum(axis=2)[..., order]
    return counts


def _squared_limits(distances: Sequence[float | int], longest: int) -> Int64[np.ndarray, "{len(distances)}"]:
    """The largest whole numbers whose square roots are at most the distances, themselves cut off at ``longest``."""
    limits = []
    for distance in distances:
        limit = int(min(distance, longest) ** 2) + 1  # the square may be rounded either way
        while math.sqrt(limit) > distance:
            limit -= 1
        limits.append(limit)
    return np.array(limits, np.int64)


def _iou(true: np.ndarray, predicted: np.ndarray, common: np.ndarray) -> np.ndarray:
    return ratio(common, true + predicted - common)
