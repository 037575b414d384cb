"""The distances between the elements of two surfaces."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int32, Int64, Shaped
from scipy.spatial import KDTree

from intarsia.errors import DataError, ShapeError
from intarsia.metrics.surface_elements import surface_elements
from intarsia.metrics.surface_kernels import look_up_labels, nearest_squared
from intarsia.types import LabelMap

_ROWS = {2: 4096, 3: 2000}  # how many rows of corners around an element are searched before a tree takes over


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The distance from every element of two surfaces to the other surface.

    Args:
        true_distances: of each true element; infinite when nothing is predicted.
        true_sizes: its length (2-D) or area (3-D).
        predicted_distances: of each predicted element; infinite when nothing is true.
        predicted_sizes: its length or area.
    """

    true_distances: Float64[np.ndarray, "true"]
    true_sizes: Float64[np.ndarray, "true"]
    predicted_distances: Float64[np.ndarray, "predicted"]
    predicted_sizes: Float64[np.ndarray, "predicted"]


def surface_distances(
    truth: Bool[np.ndarray, "*truth_size"],
    predicted: Bool[np.ndarray, "*predicted_size"],
    *,
    spacing: Sequence[float] | None = None,
    farthest: float = np.inf,
) -> SurfaceDistances:
    """Measure the surfaces of two masks of one object or class.

    Args:
        truth: [H, W] or [D, H, W].
        predicted: of the same shape.
        spacing: the distance between pixel centers along each axis, in any unit; default 1, which gives pixels.
        farthest: distances above this one may be left NaN, which saves much of the time; the surface Dice at tolerances
            up to it stays the same, and figures that need longer distances become NaN.

    Raises:
        ShapeError: shapes that differ or have neither two nor three axes.
        DataError: a spacing that does not have one positive number an axis.
    """
    steps = _check(truth, predicted, spacing, "mask")
    box = _box(truth, predicted)
    true_labels, predicted_labels = (mask[box].astype(np.int16) - 1 for mask in (truth, predicted))
    return _distances_of_classes(true_labels, predicted_labels, 1, steps, farthest)[0]


def class_surface_distances(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    *,
    spacing: Sequence[float] | None = None,
    farthest: float = np.inf,
    where: str | Path = "mask",
) -> tuple[SurfaceDistances, ...]:
    """Measure the surface of every class of two masks of ids.

    A pixel whose truth is void (the ignore id) is taken out of both masks: it is of no class in either, so nothing that
    is predicted there changes anything. A class that reaches void therefore ends there in both masks alike. A void
    prediction elsewhere is of no class.

    Args:
        truth: ids, uint8 or uint16 [H, W] or [D, H, W].
        predicted: ids, of the same shape.
        label_map: what the ids mean.
        spacing: as in :func:`surface_distances`.
        farthest: as in :func:`surface_distances`.
        where: what to call the pair in an error, its file for instance.

    Returns:
        One for each class, in the order of ``label_map``.

    Raises:
        ShapeError: shapes that differ or have neither two nor three axes, or arrays that are not uint8 or uint16.
        DataError: an id that is neither a class nor the ignore id, or a spacing that does not have one positive number
            an axis.
    """
    for mask in (truth, predicted):
        if mask.dtype not in (np.uint8, np.uint16):
            raise ShapeError(f"a mask is {mask.dtype}", where=where, remedy="Give class ids as uint8 or uint16")
    steps = _check(truth, predicted, spacing, where)
    classes = label_map.num_classes
    labels = np.empty((2, *truth.shape), np.int16)
    ids = (np.ascontiguousarray(mask).reshape(-1) for mask in (truth, predicted))
    largest = look_up_labels(*ids, label_map.index_of_id, classes, *labels.reshape(2, -1))
    if largest > classes:
        for mask in (truth, predicted):
            label_map.ids_to_indices(mask, where)  # names the unknown ids
    return _distances_of_classes(labels[0], labels[1], classes, steps, farthest)


def _distances_of_classes(
    truth: Int16[np.ndarray, "*size"],
    predicted: Int16[np.ndarray, "*size"],
    classes: int,
    spacing: tuple[float, ...],
    farthest: float,
) -> tuple[SurfaceDistances, ...]:
    elements = [surface_elements(labels, classes, spacing) for labels in (truth, predicted)]
    pairs = ([each.of_class(index) for each in elements] for index in range(classes))
    return tuple(
        SurfaceDistances(
            true_distances=_nearest(true, predicted, spacing, farthest),
            true_sizes=true_sizes,
            predicted_distances=_nearest(predicted, true, spacing, farthest),
            predicted_sizes=predicted_sizes,
        )
        for (true, true_sizes), (predicted, predicted_sizes) in pairs
    )


def _nearest(
    corners: Int32[np.ndarray, "corners 3"],
    others: Int32[np.ndarray, "others 3"],
    spacing: tuple[float, ...],
    farthest: float,
) -> Float64[np.ndarray, "corners"]:
    """The distance from each corner to the nearest of the others; infinite without any, NaN if above ``farthest``."""
    squares = np.full(len(corners), np.inf)
    if len(corners) and len(others):
        rows = _rows_around(spacing, farthest)
        nearest_squared(corners, others, *rows, spacing[-1], squares)
        far = np.isnan(squares)
        if far.any() and rows[-1] < farthest**2:
            steps = np.array((1.0, *spacing)[-3:])
            _, found = KDTree(others * steps, leafsize=32, balanced_tree=False).query(corners[far] * steps)
            squares[far] = (((corners[far] - others[found]) * steps) ** 2).sum(axis=1)
    distances: Float64[np.ndarray, "corners"] = np.sqrt(squares)
    return distances


@functools.lru_cache(maxsize=64)
def _rows_around(
    spacing: tuple[float, ...], farthest: float
) -> tuple[Int64[np.ndarray, "rows 2"], Float64[np.ndarray, "rows"], float]:
    """Steps to all rows of corners within some distance, nearest first; their squared distances; that distance's."""
    count = _ROWS[len(spacing)]
    plane, row = (1.0, *spacing)[-3:-1]
    if len(spacing) == 2:
        reach, planes = count / 2 * row, np.arange(1)
    else:
        # A disc of that many rows; where the spacing is so uneven that it is a mere line, a line of that many.
        reach = min(float(np.sqrt(count / np.pi * plane * row)), count * plane, count * row)
        planes = np.arange(-int(reach / plane) - 1, int(reach / plane) + 2)
    reach = min(reach, farthest * (1 + 1e-9))  # so that rounding never leaves out a distance equal to the farthest
    rows = np.arange(-int(reach / row) - 1, int(reach / row) + 2)
    squares = ((planes[:, None] * plane) ** 2 + (rows * row) ** 2).ravel()
    steps = np.stack(np.meshgrid(planes, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    order = np.argsort(squares, kind="stable")
    order = order[squares[order] <= reach**2]
    return steps[order], squares[order], reach**2


def _box(truth: Bool[np.ndarray, "*size"], predicted: Bool[np.ndarray, "*size"]) -> tuple[slice, ...]:
    """The smallest box around what is true or predicted; whatever is around it has no surface."""
    box: tuple[slice, ...] = ()
    for axis in range(truth.ndim):
        others = tuple(set(range(truth.ndim)) - {axis})
        filled = np.flatnonzero(truth[box].any(axis=others) | predicted[box].any(axis=others))
        box = (*box, slice(filled[0], filled[-1] + 1) if filled.size else slice(0))
    return box


def _check(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    spacing: Sequence[float] | None,
    where: str | Path,
) -> tuple[float, ...]:
    if truth.shape != predicted.shape or truth.ndim not in (2, 3):
        raise ShapeError(
            f"the truth has the shape {truth.shape} and the prediction {predicted.shape}",
            where=where,
            remedy="Give two masks of one shape, (height, width) or (depth, height, width)",
        )
    steps = tuple(float(step) for step in spacing) if spacing is not None else (1.0,) * truth.ndim
    if len(steps) != truth.ndim or not all(0 < step < np.inf for step in steps):
        raise DataError(
            f"the spacing {steps} does not fit masks of {truth.ndim} axes",
            where=where,
            remedy="Give one positive number an axis, in the order of the axes",
        )
    return steps
