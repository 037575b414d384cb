"""Everything that is counted of one picture, in one call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped

from intarsia.errors import RecipeError
from intarsia.metrics.boundary import DEFAULT_TOLERANCES, BoundaryCounts, Tolerance, boundary_counts
from intarsia.metrics.calibration import CalibrationCounts, calibration_counts
from intarsia.metrics.causes import CauseCounts, cause_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.surface import SurfaceCounts, hausdorff_distance, surface_counts
from intarsia.metrics.surface_search import class_surface_distances
from intarsia.types import LabelMap

HAUSDORFF_PERCENTILES = (100.0, 95.0)
"""The Hausdorff distances of a picture: the largest distance, and HD95."""

_LEAST = 1e-12  # side of a pixel; far from where squared distances lose their digits
_PIXEL_SIDES = (1, 2, 3)  # NSD tolerances in larger sides of a pixel, where none are named


@dataclass(frozen=True)
class CountOptions:
    """What is counted of a picture beside its pixels.

    Args:
        tolerances: for Boundary F1.
        spacing: the height and the width of a pixel in any unit, millimeters for instance; None counts no surfaces.
        surface_tolerances: for NSD, in the unit of ``spacing``; None takes 1, 2 and 3 times a pixel's larger side.

    Raises:
        RecipeError: a spacing or surface tolerance that cannot be one, or surface tolerances without spacing.
    """

    tolerances: tuple[Tolerance, ...] = DEFAULT_TOLERANCES
    spacing: tuple[float, float] | None = None
    surface_tolerances: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.spacing is not None and not all(_LEAST <= side <= 1 / _LEAST for side in self.spacing):
            raise _no_spacing(self.spacing)
        for tolerance in self.surface_tolerances or ():
            if not (math.isfinite(tolerance) and tolerance >= 0):
                raise _no_surface_tolerance(tolerance)
        if self.surface_tolerances is not None and self.spacing is None:
            raise RecipeError(
                "there is no size of a pixel to measure it with",
                where="surface tolerance",
                remedy="Give the height and the width of a pixel too (`--spacing 0.5,0.5`)",
            )

    @classmethod
    def parse(
        cls, tolerances: Sequence[str] = (), spacing: str | None = None, surface_tolerances: Sequence[str] = ()
    ) -> CountOptions:
        """Read options as people write them; what is left out is the default.

        Args:
            tolerances: each as :meth:`Tolerance.parse <intarsia.metrics.boundary.Tolerance.parse>` takes it.
            spacing: height and width of a pixel (``0.5,0.8``), or one number for both.
            surface_tolerances: numbers.

        Raises:
            RecipeError: a text that is none of these.
        """
        named = sorted({Tolerance.parse(text) for text in tolerances}, key=lambda each: (each.unit != "px", each.value))
        far = sorted({_distance(text) for text in surface_tolerances})
        sides = None if spacing is None else _sides(spacing)
        return cls(tuple(named) or DEFAULT_TOLERANCES, sides, tuple(far) or None)


DEFAULT_OPTIONS = CountOptions()
"""Everything but surfaces, which need the size of a pixel."""


@dataclass(frozen=True, eq=False)
class PictureCounts:
    """What all figures of one picture are computed from.

    Args:
        confusion: pixels of each pair of true and predicted class; see
            :func:`~intarsia.metrics.confusion.confusion_matrix`.
        boundary: how well borders match.
        causes: where wrong pixels come from.
        calibration: how well probabilities match what happens; None where there were none.
        surface: how far outlines are apart; None where the size of a pixel was not given.
        hausdorff: the Hausdorff distance of each class at each of :data:`HAUSDORFF_PERCENTILES`, in the unit of the
            spacing: infinite where only one outline exists, NaN where neither does. It does not add up over pictures.
        spacing: the height and the width of a pixel that these two were measured with.
    """

    confusion: Int64[np.ndarray, "k1 k1"]
    boundary: BoundaryCounts
    causes: CauseCounts
    calibration: CalibrationCounts | None = None
    surface: SurfaceCounts | None = None
    hausdorff: Float64[np.ndarray, "k 2"] | None = None
    spacing: tuple[float, float] | None = None


def count_picture(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    *,
    options: CountOptions = DEFAULT_OPTIONS,
    probabilities: Float32[np.ndarray, "classes height width"] | None = None,
    where: str | Path = "mask",
) -> PictureCounts:
    """Count one picture. Safe to call from several threads at once: the loops release the interpreter lock.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        predicted: class ids, uint8 or uint16 [H, W].
        label_map: what the ids mean.
        options: what to count, and with which tolerances.
        probabilities: of each class at each pixel, [K, H, W] in the order of ``label_map``, if the prediction has them.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        DataError: an id that is neither a class nor the ignore id.
    """
    confidence = None if probabilities is None else probabilities.max(axis=0)
    confusion = confusion_matrix(truth, predicted, label_map, where)
    surface, hausdorff = _surfaces(truth, predicted, label_map, options, where)
    return PictureCounts(
        confusion=confusion,
        boundary=boundary_counts(truth, predicted, label_map, tolerances=options.tolerances, where=where),
        causes=cause_counts(truth, predicted, label_map, confidence=confidence, where=where),
        calibration=None if probabilities is None else calibration_counts(truth, probabilities, label_map, where=where),
        surface=surface,
        hausdorff=hausdorff,
        spacing=options.spacing,
    )


def _surfaces(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "height width"],
    label_map: LabelMap,
    options: CountOptions,
    where: str | Path,
) -> tuple[SurfaceCounts | None, Float64[np.ndarray, "k 2"] | None]:
    if options.spacing is None:
        return None, None
    distances = class_surface_distances(truth, predicted, label_map, spacing=options.spacing, where=where)
    tolerances = options.surface_tolerances
    if tolerances is None:
        tolerances = tuple(count * max(options.spacing) for count in _PIXEL_SIDES)
    of_classes = [hausdorff_distance(distances, percentile) for percentile in HAUSDORFF_PERCENTILES]
    return surface_counts(distances, tolerances), np.stack(of_classes, axis=-1)


def _sides(text: str) -> tuple[float, float]:
    try:
        height, width = map(float, text.split(",") if "," in text else (text, text))
    except ValueError:  # no numbers, or too many
        raise _no_spacing(text) from None
    return height, width


def _distance(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _no_surface_tolerance(text) from None


def _no_spacing(found: object) -> RecipeError:
    return RecipeError(
        f"{found!r} is not the size of a pixel",
        where="spacing",
        remedy='Give its height and width, such as "0.5,0.8", or one number for both, each from 1e-12 to 1e12',
    )


def _no_surface_tolerance(found: object) -> RecipeError:
    return RecipeError(
        f"{found!r} is no distance",
        where="surface tolerance",
        remedy='Give a number ≥ 0 in the unit of the spacing, "1.5"',
    )
