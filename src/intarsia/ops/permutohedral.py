"""Gaussian filters over position and color, on the permutohedral lattice.

Adams, Baek & Davis 2010, *Fast High-Dimensional Filtering Using the Permutohedral Lattice*: pixels are points in a
space of position and color, their values are put on the vertices of the simplex around them (splat), vertices exchange
values with their neighbours along each axis (blur), and pixels read what came to their vertices (slice). The time
grows with the number of pixels, not with that of pairs.

A picture is cut into strips of rows, each with vertices of its own. A thread that works on a strip meets no other, and
what it reads is near. Only blurring looks at the vertices of the whole picture. How many strips there are depends on
the picture's size alone, so that a result does not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, pairwise
from types import TracebackType
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float32, Int32, Int64

from intarsia.errors import RecipeError
from intarsia.ops import permutohedral_kernels as kernels
from intarsia.ops.vectors import LANES

_STRIP = 1 << 15  # pixels of a strip, about
_LEVELS = 255  # the largest gray level
_KEYS = 2**62  # how many vertices numbers can tell apart
_FARTHEST = 2**20  # of an elevated coordinate, so that float32 still has fractions

Given = TypeVar("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian kernel over the pixels of a picture.

    Args:
        position: standard deviation in pixels.
        color: standard deviation in gray levels, of each channel; None where color does not count.
        gain: what the normalized kernel is multiplied by.
    """

    position: float | int
    color: float | int | None
    gain: float | int


@dataclass(frozen=True, eq=False)
class Strip:
    """Some rows of a picture.

    Args:
        pixels: the first of them and the one after the last, counted row by row.
        vertices: int32 [P, E], each pixel's vertices, counted from the strip's first place. P is the number of pixels
            rounded up to a multiple of eight; E is the sum of the kernels' numbers of dimensions, plus one each.
        weights: float32 [P, E], 0 for the pixels too many.
        ranges: the places of each kernel's vertices, from and to. *Places* are the vertices of one strip after the
            other; a vertex of the picture has one in each strip that needs it.
    """

    pixels: tuple[int, int]
    vertices: Int32[np.ndarray, "padded entries"]
    weights: Float32[np.ndarray, "padded entries"]
    ranges: tuple[tuple[int, int], ...]

    def part(self, flat: Float32[np.ndarray, " values"], width: int) -> Float32[np.ndarray, " part"]:
        """The strip's own of ``width`` values a place."""
        return flat[self.ranges[0][0] * width : self.ranges[-1][1] * width]


@dataclass(frozen=True, eq=False)
class Axes:
    """Which vertices of one kernel are neighbours.

    Args:
        base: the row of its first vertex, in the tables of the vertices of the whole picture.
        backward: int32 [d + 1, vertices], the row of the neighbour along each axis; a row of zeros if there is none.
        forward: the same, in the other direction.
    """

    base: int
    backward: Int32[np.ndarray, "axes vertices"]
    forward: Int32[np.ndarray, "axes vertices"]


@dataclass(frozen=True, eq=False)
class Lattice:
    """The lattice of a picture for several kernels, whose values never mix.

    Args:
        strips: the parts of the picture.
        axes: one a kernel.
        to_row: int32 [places], the vertex of the whole picture that a place stands for.
        starts: int32 [rows + 1], where the list of a row's places begins in ``members``.
        members: int32 [places], the places of the first row, of the second, and so on.
    """

    strips: tuple[Strip, ...]
    axes: tuple[Axes, ...]
    to_row: Int32[np.ndarray, "places"]
    starts: Int32[np.ndarray, "rows_and_one"]
    members: Int32[np.ndarray, "places"]

    @property
    def corners(self) -> tuple[np.int8, ...]:
        """As long as a pixel has entries: of a tuple, unlike of an array, the compiler knows the length."""
        entries: int = self.strips[0].vertices.shape[1]
        return (np.int8(0),) * entries


class Workers:
    """Threads, inside a ``with`` block.

    Args:
        count: how many; 1 works in the calling thread.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Given], Result], given: Iterable[Given]) -> list[Result]:
        """Do ``work`` on each of ``given``, and return what it returned in their order."""
        return list((self._pool.map if self._pool else map)(work, given))


class Filter:
    """Values of a number of classes on their way from pixels to pixels.

    Args:
        lattice: over whose vertices they travel.
        classes: how many.
        workers: who does the work.

    Attributes:
        width: values a place, the number of classes rounded up to a multiple of eight.
        sums: float32 [places * width], what pixels add to; zero at first and after each :meth:`blur`.
        values: float32 [places * width], what pixels read after a :meth:`blur`.
    """

    def __init__(self, lattice: Lattice, classes: int, workers: Workers) -> None:
        self.width = -(-classes // LANES) * LANES
        self.sums = np.zeros(lattice.to_row.size * self.width, np.float32)
        self.values = np.empty_like(self.sums)
        self._lattice, self._workers = lattice, workers
        self._rows = lattice.starts.size - 1
        # One row more: the neighbour of those that have none, which stays zero.
        self._tables = [np.zeros((self._rows + 1) * self.width, np.float32) for _ in range(2)]

    def blur(self) -> None:
        """Bring the sums of all strips together, blur along all axes, and hand the results to the strips."""
        self._workers.each(self._collect, range(self._workers.count))
        for axis in range(max(len(axes.forward) for axes in self._lattice.axes)):
            self._workers.each(partial(self._blur, axis), range(self._workers.count))
        self._workers.each(self._spread, self._lattice.strips)

    def _collect(self, piece: int) -> None:
        lattice, rows = self._lattice, self._piece(self._rows, piece)
        kernels.collect(self.sums, lattice.starts, lattice.members, self._tables[0], self.width, *rows)

    def _blur(self, axis: int, piece: int) -> None:
        old, new = self._tables[axis % 2], self._tables[1 - axis % 2]
        for axes in self._lattice.axes:
            if axis < len(axes.forward):
                vertices = self._piece(axes.forward.shape[1], piece)
                kernels.blur(old, new, axes.backward[axis], axes.forward[axis], axes.base, self.width, *vertices)

    def _spread(self, strip: Strip) -> None:
        for axes, places in zip(self._lattice.axes, strip.ranges, strict=True):
            table = self._tables[len(axes.forward) % 2]
            kernels.spread(table, self._lattice.to_row, self.values, self.width, *places)
        strip.part(self.sums, self.width).fill(0)

    def _piece(self, count: int, piece: int) -> tuple[int, int]:
        return count * piece // self._workers.count, count * (piece + 1) // self._workers.count


def build_lattice(
    image: Float32[np.ndarray, "height width channels"], gaussians: Sequence[Gaussian], workers: Workers
) -> Lattice:
    """Build the lattice of a picture, its weights normalized symmetrically.

    A filter is then splatting with the weights, :meth:`Filter.blur`, and slicing with the same weights.

    Args:
        image: gray levels, 0–255.
        gaussians: the kernels.
        workers: who does the work.

    Raises:
        RecipeError: a kernel is so narrow that the picture has more vertices than can be told apart.
    """
    height, width, _ = image.shape
    count = max(1, min(height, round(height * width / _STRIP)))
    spaces = [_space(gaussian, image.shape) for gaussian in gaussians]

    def locate(index: int) -> tuple[Strip, list[Int64[np.ndarray, "_"]]]:
        rows = height * index // count, height * (index + 1) // count
        pixels = rows[0] * width, rows[1] * width
        padded = -(-(pixels[1] - pixels[0]) // LANES) * LANES
        entries = sum(len(space.scales) + 1 for space in spaces)
        vertices, weights = np.zeros((padded, entries), np.int32), np.zeros((padded, entries), np.float32)
        keys: list[Int64[np.ndarray, "_"]] = []
        corner = place = 0
        for space in spaces:
            keys.append(kernels.locate(image, rows, *space, place, corner, vertices, weights))
            place, corner = place + keys[-1].size, corner + len(space.scales) + 1
        return Strip(pixels, vertices, weights, ()), keys

    located = workers.each(locate, range(count))
    edges = [0, *accumulate(keys.size for _, each in located for keys in each)]
    ranges = [tuple(pairwise(edges[at : at + len(spaces) + 1])) for at in range(0, len(edges) - 1, len(spaces))]
    strips = tuple(replace(strip, ranges=places) for (strip, _), places in zip(located, ranges, strict=True))
    lattice = _joined(strips, [keys for _, keys in located], spaces, workers)
    _normalize(lattice, gaussians, workers)
    return lattice


class _Space(NamedTuple):
    """What :func:`~intarsia.ops.permutohedral_kernels.locate` must know of a kernel."""

    deviations: tuple[np.float32, ...]
    scales: tuple[np.float32, ...]
    strides: Int64[np.ndarray, "_"]


def _space(gaussian: Gaussian, shape: tuple[int, ...]) -> _Space:
    height, width, channels = shape
    colors = 0 if gaussian.color is None else channels
    deviations = [gaussian.position] * 2 + [gaussian.color or 0.0] * colors
    d = len(deviations)
    # Adams et al. 2010, §3.1: the columns of the elevation have length 1, and blurring has deviation √(2/3) (d + 1).
    # Rounded as in the reference program.
    spread = float(np.float32(math.sqrt(2 / 3) * (d + 1)))
    scales = [np.float32(spread / math.sqrt((i + 1) * (i + 2))) for i in range(d)]
    # The range of each elevated coordinate, and the steps that rounding, corners and neighbours are away.
    largest = [width, height] + [_LEVELS] * colors
    farthest = [
        top / deviation * float(scale) for top, deviation, scale in zip(largest, deviations, scales, strict=True)
    ]
    reach = [min(each, 2.0 * _FARTHEST) for each in farthest]
    strides, bias, keys = [], 0, 1
    for i in range(d):
        low = math.floor(-i * reach[i - 1] if i else 0) - 4 * (d + 1)
        high = math.ceil(sum(reach[i:])) + 4 * (d + 1)
        strides.append(keys)
        bias -= low * keys
        keys *= high - low + 1
    if keys > _KEYS or max(reach) > _FARTHEST:
        raise RecipeError(
            f"a kernel of {gaussian.position:g} pixels is too narrow for a picture of {width}×{height}",
            where="standard deviation",
            remedy="Choose a larger one, or refine the picture in parts",
        )
    floats = tuple(np.float32(deviation) for deviation in deviations)
    return _Space(floats, tuple(scales), np.array([*strides, 0, bias], np.int64))


def _joined(
    strips: tuple[Strip, ...], keys: list[list[Int64[np.ndarray, "_"]]], spaces: Sequence[_Space], workers: Workers
) -> Lattice:
    """Tell which places of the strips are one vertex of the picture, and which vertices are neighbours."""
    to_row = np.empty(strips[-1].ranges[-1][1], np.int32)
    united, base = [], 0
    for kernel in range(len(spaces)):
        known, which, *table = kernels.unite(np.concatenate([of_strip[kernel] for of_strip in keys]))
        at = 0
        for strip in strips:
            first, last = strip.ranges[kernel]
            to_row[first:last] = which[at : at + last - first] + base
            at += last - first
        united.append((known, table, base))
        base += known.size
    axes = [
        Axes(first, *(np.full((len(space.scales) + 1, known.size), base, np.int32) for _ in range(2)))
        for (known, _, first), space in zip(united, spaces, strict=True)
    ]

    def link(pair: tuple[int, int]) -> None:
        kernel, axis = pair
        known, table, first = united[kernel]
        strides = spaces[kernel].strides[:-1]  # one back along all coordinates, and d forth along one
        step = int(len(strides) * strides[axis] - strides.sum())
        kernels.link(known, *table, step, first, axes[kernel].backward[axis], axes[kernel].forward[axis])

    workers.each(link, [(kernel, axis) for kernel, each in enumerate(axes) for axis in range(len(each.forward))])
    starts, members = np.zeros(base + 1, np.int32), np.empty_like(to_row)
    kernels.list_members(to_row, starts, members)
    return Lattice(strips, tuple(axes), to_row, starts, members)


def _normalize(lattice: Lattice, gaussians: Sequence[Gaussian], workers: Workers) -> None:
    ones = Filter(lattice, 1, workers)

    def splat(strip: Strip) -> None:
        kernels.splat_ones(strip.vertices, strip.weights, strip.part(ones.sums, ones.width))

    def normalize(strip: Strip) -> None:
        values, corner = strip.part(ones.values, ones.width), 0
        for axes, gaussian in zip(lattice.axes, gaussians, strict=True):
            last = corner + len(axes.forward)
            kernels.normalize(strip.vertices, strip.weights, values, corner, last, gaussian.gain)
            corner = last

    workers.each(splat, lattice.strips)
    ones.blur()
    workers.each(normalize, lattice.strips)
