"""Masks without specks, holes and stray pieces: pictures [H, W] and volumes [D, H, W] of class ids.

A piece is a connected component of one class. Void pixels are never changed and surround nothing; pieces end at them as
they do at the frame. Sizes count pixels, or, where a ``spacing`` is given, are areas or volumes in its unit.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8, UInt16, UInt32

from intarsia.errors import RecipeError, ShapeError
from intarsia.ops.cleanup_kernels import (
    SIZE_SHIFT,
    Borders,
    Pieces,
    dissolve,
    fill,
    final_classes,
    list_borders,
    paint,
    survey,
)
from intarsia.ops.components import Connectivity, connected_components

Size = float | int
Labels = UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"]

# Along how many axes one step between two pixels of a piece may go, by the axes of the array and the connectivity.
_AXES: dict[int, dict[Connectivity, int]] = {2: {4: 1, 8: 2}, 3: {6: 1, 18: 2, 26: 3}}
# What holds together across corners separates what does not, and the other way round.
_BEHIND: dict[Connectivity, Connectivity] = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}
_NO_SIZE = 2**62
_ROUNDING = 1e-9  # an area of 0.7 is that of seven pixels of 0.1, whichever way the division is rounded


@dataclass(frozen=True)
class _Grid:
    """How pixels lie beside each other."""

    void: int | None
    spacing: tuple[Size, ...]
    connectivity: Connectivity


@dataclass(frozen=True, eq=False)
class _Found:
    """The pieces of a mask, from 1; the entries of 0 are those of void.

    Args:
        numbers: the piece of each pixel.
        sizes: of each piece, in pixels.
        codes: of each piece, its class id + 1.
    """

    numbers: UInt32[np.ndarray, "*size"]
    sizes: Int32[np.ndarray, "_pieces"]
    codes: Int32[np.ndarray, "_pieces"]

    @property
    def labels(self) -> list[int]:
        """The class ids that there are pieces of."""
        return [int(code) - 1 for code in np.flatnonzero(np.bincount(self.codes)) if code]


def drop_specks(
    labels: Labels,
    least: Size | Mapping[int, Size],
    *,
    to: int | None = None,
    void: int | None = None,
    spacing: Sequence[Size] | None = None,
    connectivity: Connectivity | None = None,
) -> Labels:
    """Remove the pieces that are smaller than ``least``.

    The smallest speck comes first, of equal ones the first that is read. It takes the class it shares most border with
    (edges, or faces; of equal classes the one of the lowest id) and grows together with its neighbors of that class,
    after which it may be none anymore. So no speck is left in the end, but those that nothing surrounds.

    Args:
        labels: class ids.
        least: the size from which a piece stays, ≥ 0; of every class, or by class id (others have no specks).
        to: a class id that all specks of other classes take instead.
        void: the id that is no class.
        spacing: the sides of a pixel or voxel, in the order of the axes; None counts pixels.
        connectivity: how pieces hold together; None is across corners too, 8 or 26.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ShapeError: labels that are no uint8 or uint16 of two or three axes, or a spacing or connectivity for others.
        RecipeError: a size, spacing or class id that cannot be.
    """
    grid = _check(labels, void, spacing, connectivity)
    found = _find(labels, grid)
    limits = np.zeros(int(found.codes.max()) + 1, np.int64)
    for label, size in _per_class(least, found.labels, "least", 0).items():
        limits[label + 1] = min(math.ceil(size / math.prod(grid.spacing) * (1 - _ROUNDING)), _NO_SIZE)
    return _replace(labels, found, found.sizes >= limits[found.codes], limits, grid, to)


def keep_largest(
    labels: Labels,
    count: int | Mapping[int, int],
    *,
    to: int | None = None,
    void: int | None = None,
    spacing: Sequence[Size] | None = None,
    connectivity: Connectivity | None = None,
) -> Labels:
    """Keep the largest pieces of a class; all others are replaced as :func:`drop_specks` replaces specks.

    Args:
        labels: class ids.
        count: how many pieces stay, ≥ 1; of every class, or by class id (others keep all). Of pieces of one size those
            that are read first stay.
        to: a class id that all removed pieces of other classes take instead.
        void: the id that is no class.
        spacing: the sides of a pixel or voxel; where they differ, they bear on which class surrounds a piece most.
        connectivity: how pieces hold together; None is across corners too, 8 or 26.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ShapeError: as of :func:`drop_specks`.
        RecipeError: a count below 1, or a spacing or class id that cannot be.
    """
    grid = _check(labels, void, spacing, connectivity)
    found = _find(labels, grid)
    settled = np.ones(found.sizes.size, np.bool_)
    largest_first = np.argsort(-found.sizes, kind="stable")
    for label, kept in _per_class(count, found.labels, "count", 1).items():
        settled[largest_first[found.codes[largest_first] == label + 1][int(kept) :]] = False
    limits = np.full(int(found.codes.max()) + 1, _NO_SIZE)  # what is removed does not become a piece by growing
    return _replace(labels, found, settled, limits, grid, to)


def fill_holes(
    labels: Labels,
    most: Size | Mapping[int, Size],
    *,
    void: int | None = None,
    spacing: Sequence[Size] | None = None,
    connectivity: Connectivity | None = None,
) -> Labels:
    """Fill the regions of other classes that one class encloses.

    A region that reaches the frame or a void pixel may go on behind it: it is not known to be enclosed. Where pieces
    hold together across corners, holes do not, and the other way round: a ring of corners encloses what is in it.

    Args:
        labels: class ids.
        most: the size up to which a hole is filled, ≥ 0; of every class, in ascending order of ids, or by class id, in
            the order given (others keep their holes).
        void: the id that is no class.
        spacing: the sides of a pixel or voxel, in the order of the axes; None counts pixels.
        connectivity: how the pieces that enclose hold together; None is across corners too, 8 or 26.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ShapeError: as of :func:`drop_specks`.
        RecipeError: a size or spacing that cannot be.
    """
    grid = _check(labels, void, spacing, connectivity)
    filled = np.array(labels, order="C")
    every = range(np.iinfo(labels.dtype).max + 1)  # of classes that are named: what is not there encloses nothing
    present = every if isinstance(most, Mapping) else np.flatnonzero(np.bincount(filled.ravel())).tolist()
    for label, size in _per_class(most, present, "most", 0).items():
        if label != void:
            _fill(filled, label, size / math.prod(grid.spacing) * (1 + _ROUNDING), grid)
    return filled


def _fill(labels: Labels, label: int, most: Size, grid: _Grid) -> None:
    """Fill the holes of one class that have at most so many pixels, in place."""
    others = (labels != label).view(np.uint8)
    numbers, count = connected_components(others, _BEHIND[grid.connectivity])
    sizes, codes = np.zeros(count + 1, np.int32), np.zeros(count + 1, np.int32)
    survey(numbers.ravel(), others.ravel(), sizes, codes)
    is_hole = sizes <= most
    is_hole[0] = False
    for axis in range(numbers.ndim) if numbers.size else ():
        is_hole[numbers.take((0, -1), axis)] = False
    if grid.void is not None:
        is_hole[numbers[labels == grid.void]] = False
    fill(labels.reshape(-1), numbers.ravel(), is_hole, label)


def _find(labels: Labels, grid: _Grid) -> _Found:
    """Number the pieces of all classes."""
    narrow = labels.max(initial=0) < np.iinfo(labels.dtype).max
    codes = np.ascontiguousarray(labels, labels.dtype if narrow else np.uint32) + labels.dtype.type(1)
    if grid.void is not None:
        codes *= labels != grid.void
    numbers, count = connected_components(codes, grid.connectivity)
    sizes, codes_of_pieces = np.zeros(count + 1, np.int32), np.zeros(count + 1, np.int32)
    survey(numbers.ravel(), codes.ravel(), sizes, codes_of_pieces)
    return _Found(numbers, sizes, codes_of_pieces)


def _replace(
    labels: Labels,
    found: _Found,
    settled: Bool[np.ndarray, "_pieces"],
    limits: Int64[np.ndarray, "_codes"],
    grid: _Grid,
    to: int | None,
) -> Labels:
    """Give the pieces that are not settled another class: ``to``, or what surrounds them."""
    settled[0] = True
    if to is None:
        codes = _dissolved(found, settled, limits, grid)
    else:
        _check_id(to, labels, grid)
        codes = np.where(settled, found.codes, np.int32(to + 1))
    painted = np.empty(labels.shape, labels.dtype)
    values = (codes - 1).astype(labels.dtype)
    paint(np.ascontiguousarray(labels).ravel(), found.numbers.ravel(), values, painted.reshape(-1))
    return painted


def _dissolved(
    found: _Found, settled: Bool[np.ndarray, "_pieces"], limits: Int64[np.ndarray, "_codes"], grid: _Grid
) -> Int32[np.ndarray, "_pieces"]:
    """The code of each piece after all that are not settled have taken those that surround them."""
    waiting = np.flatnonzero(~settled)
    if not waiting.size:
        return found.codes
    borders = _borders(found.numbers, settled, grid)
    own = np.arange(found.sizes.size, dtype=np.int32)
    pieces = Pieces(own, found.sizes.copy(), found.codes.copy(), settled, np.zeros_like(own), own.copy())
    waiting += found.sizes[waiting].astype(np.int64) << SIZE_SHIFT
    waiting.sort()
    dissolve(waiting, borders, pieces, limits)
    codes = np.empty_like(found.codes)
    final_classes(pieces, codes)
    return codes


def _borders(numbers: UInt32[np.ndarray, "*size"], settled: Bool[np.ndarray, "_pieces"], grid: _Grid) -> Borders:
    """List who lies beside the pieces that are not settled."""
    flat = numbers.ndim == 2
    farthest = _AXES[numbers.ndim][grid.connectivity]
    sides = (1.0,) * flat + grid.spacing
    faces = 1 / np.array(sides)  # up to a factor: what is long across an axis is small along it
    faces /= faces[flat:].max()  # equal sides give ones, whose sums are exact
    steps = [
        step
        for step in product((-1, 0, 1), repeat=3)
        if 1 <= np.count_nonzero(step) <= farthest and not (flat and step[0])
    ]
    measures = [faces[np.flatnonzero(step)[0]] if np.count_nonzero(step) == 1 else 0 for step in steps]
    volume = numbers[None] if flat else numbers
    borders: Borders = list_borders(volume, settled, np.array(steps, np.int64), np.array(measures, np.float32))
    return borders


def _per_class(amounts: Size | Mapping[int, Size], present: Collection[int], what: str, least: int) -> dict[int, Size]:
    """The amount of each class that is present, by its id."""
    for amount in amounts.values() if isinstance(amounts, Mapping) else (amounts,):
        if not (math.isfinite(amount) and amount >= least):
            raise RecipeError(f"found {amount}", where=f"argument `{what}`", remedy=f"Give a number of {least} or more")
    if isinstance(amounts, Mapping):
        return {label: amount for label, amount in amounts.items() if label in present}
    return dict.fromkeys(present, amounts)


def _check(
    labels: np.ndarray, void: int | None, spacing: Sequence[Size] | None, connectivity: Connectivity | None
) -> _Grid:
    if labels.dtype not in (np.uint8, np.uint16) or labels.ndim not in _AXES:
        raise ShapeError(
            f"found {labels.dtype} {list(labels.shape)}",
            where="argument `labels`",
            remedy="Give class ids as uint8 or uint16 [height, width] or [depth, height, width]",
        )
    possible = _AXES[labels.ndim]
    if connectivity is not None and connectivity not in possible:
        raise ShapeError(
            f"found {connectivity}, but the array has {labels.ndim} axes",
            where="argument `connectivity`",
            remedy=f"Choose of {', '.join(map(str, possible))}",
        )
    sides = tuple(map(float, spacing)) if spacing is not None else (1.0,) * labels.ndim
    if len(sides) != labels.ndim:
        expected = "height and width of a pixel" if labels.ndim == 2 else "depth, height and width of a voxel"
        raise ShapeError(
            f"found {len(sides)} numbers, but the array has {labels.ndim} axes",
            where="argument `spacing`",
            remedy=f"Give {expected}",
        )
    if not all(math.isfinite(side) and side > 0 for side in sides):
        raise RecipeError(
            f"found {', '.join(f'{side:g}' for side in sides)}",
            where="argument `spacing`",
            remedy="Give positive numbers",
        )
    return _Grid(void, sides, connectivity or max(possible))


def _check_id(label: int, labels: np.ndarray, grid: _Grid) -> None:
    if not 0 <= label <= np.iinfo(labels.dtype).max or label == grid.void:
        raise RecipeError(
            f"found {label}",
            where="argument `to`",
            remedy=f"Give the id of a class, from 0 to {np.iinfo(labels.dtype).max} in this mask",
        )
