"""The surface of a mask, cut into small elements: where they lie, and how large each is.

An element sits on a *corner*, the point where 2×2 pixels (2×2×2 voxels) meet, wherever some of these are of the class
and some are not. Its size is the length (area) of the outline that marching squares (marching cubes; Lorensen & Cline
1987) draws between them through the middles of the grid's edges. Nikolov et al. 2018 (arXiv:1809.04430) count surfaces
in the same elements.

What lies outside the picture is of no class, so a mask that touches the frame has elements along it.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int32, Int64

from intarsia.metrics.surface_kernels import gather_elements

NO_CLASS = -1
"""The label of a pixel that is of none of the classes."""

Point = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Elements:
    """The surface elements of every class of one mask, class by class, each class in the order of its corners.

    Args:
        corners: plane, row and column of each element's corner; corner (0, 0, 0) is the frame's.
        sizes: the length (2-D) or area (3-D) of each element, in the unit of the spacing.
        starts: where each class's elements start, and their number last.
    """

    corners: Int32[np.ndarray, "elements 3"]
    sizes: Float64[np.ndarray, "elements"]
    starts: Int64[np.ndarray, "bounds"]

    def of_class(self, index: int) -> tuple[Int32[np.ndarray, "some 3"], Float64[np.ndarray, "some"]]:
        """The corners and sizes of one class's elements."""
        part = slice(self.starts[index], self.starts[index + 1])
        return self.corners[part], self.sizes[part]


def surface_elements(labels: Int16[np.ndarray, "..."], classes: int, spacing: tuple[float, ...]) -> Elements:
    """Find the surface elements of every class of a mask.

    Args:
        labels: 0 … classes − 1 or :data:`NO_CLASS`, of two or three axes.
        classes: how many there are.
        spacing: the distance between pixel centers along each axis.
    """
    labels = np.pad(labels, 1, constant_values=NO_CLASS)
    corners = np.flatnonzero(_mixed(labels))
    blocks = 2**labels.ndim
    steps = [
        np.ravel_multi_index(step, labels.shape) for step in itertools.product((0, 1), repeat=labels.ndim)
    ]  # from a corner's first pixel to each of its pixels, in the order of the code's bits
    grid = tuple(size - 1 for size in labels.shape)
    places = np.stack(np.unravel_index(corners, grid), axis=1).astype(np.int32)
    first = np.ravel_multi_index(tuple(places.T), labels.shape)
    owners = np.empty(corners.size * blocks, np.int16)
    rows = np.empty(corners.size * blocks, np.int64)
    codes = np.empty(corners.size * blocks, np.uint8)
    count = gather_elements(labels.reshape(-1), first, np.array(steps), owners, rows, codes)
    order = np.argsort(owners[:count], kind="stable")
    flat = np.zeros((corners.size, 3 - labels.ndim), np.int32)  # a picture is a volume of one plane of corners
    return Elements(
        corners=np.concatenate([flat, places], axis=1)[rows[order]],
        sizes=element_sizes(spacing)[codes[order]],
        starts=np.searchsorted(owners[order], np.arange(classes + 1)).astype(np.int64),
    )


def _mixed(labels: Int16[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Whether the pixels that meet in each corner differ."""
    mixed = np.zeros(tuple(size - 1 for size in labels.shape), bool)
    for axis in range(labels.ndim):
        along = np.moveaxis(labels, axis, 0)
        differs = np.moveaxis(along[1:] != along[:-1], 0, axis)
        for other in set(range(labels.ndim)) - {axis}:
            across = np.moveaxis(differs, other, 0)
            differs = np.moveaxis(across[1:] | across[:-1], 0, other)
        mixed |= differs
    return mixed


@functools.lru_cache(maxsize=64)
def element_sizes(spacing: tuple[float, ...]) -> Float64[np.ndarray, "codes"]:
    """The length (16 codes, 2-D) or area (256 codes, 3-D) of the element of each neighborhood.

    The bits of a code say which pixels around the corner are of the class, the first axis counting most:
    bit 2·row + column, or 4·plane + 2·row + column.

    Args:
        spacing: two or three distances between pixel centers.
    """
    steps = np.array(spacing)
    if len(spacing) == 2:
        return np.array([sum(_length(segment, steps) for segment in _contour(code)) for code in range(16)])
    return np.array([sum(_area(triangle, steps) for triangle in _triangles(code)) for code in range(256)])


def _length(segment: tuple[Point, Point], steps: Float64[np.ndarray, "axes"]) -> float:
    return float(np.linalg.norm((np.array(segment[1]) - segment[0]) * steps))


def _area(triangle: tuple[Point, Point, Point], steps: Float64[np.ndarray, "axes"]) -> float:
    first, second, third = np.array(triangle) * steps
    return float(np.linalg.norm(np.cross(second - first, third - first)) / 2)


def _contour(code: int) -> list[tuple[Point, Point]]:
    square = [(0, 0), (0, 1), (1, 1), (1, 0)]
    return _segments([(point, bool(code >> (2 * point[0] + point[1]) & 1)) for point in square])


def _segments(ring: list[tuple[tuple[int, ...], bool]]) -> list[tuple[Point, Point]]:
    """The lines that part the inner from the outer corners of a square; diagonal ones are parted from each other.

    Args:
        ring: the square's four corners in order around it, and whether each is inside.
    """
    middles = [_middle(ring[k][0], ring[(k + 1) % 4][0]) for k in range(4)]
    crossed = [k for k in range(4) if ring[k][1] != ring[(k + 1) % 4][1]]
    if len(crossed) == 4:
        return [(middles[k - 1], middles[k]) for k in range(4) if ring[k][1]]
    return [(middles[crossed[0]], middles[crossed[1]])] if crossed else []


def _middle(first: tuple[int, ...], second: tuple[int, ...]) -> Point:
    return tuple((a + b) / 2 for a, b in zip(first, second, strict=True))


@functools.cache
def _triangles(code: int) -> tuple[tuple[Point, Point, Point], ...]:
    """The surface inside a cube of eight voxel centers."""
    if code.bit_count() > 4:
        return _triangles(255 - code)  # the rarer side is the one whose diagonal corners are parted from each other
    return tuple(triangle for polygon in _polygons(code) for triangle in _largest_fan(polygon))


def _polygons(code: int) -> list[list[Point]]:
    """The closed lines in which the surface meets the six sides of the cube."""
    neighbors: dict[Point, list[Point]] = {}
    for axis, side in itertools.product(range(3), (0, 1)):
        square = [(*p[:axis], side, *p[axis:]) for p in ((0, 0), (0, 1), (1, 1), (1, 0))]
        ring = [(point, bool(code >> (4 * point[0] + 2 * point[1] + point[2]) & 1)) for point in square]
        for first, second in _segments(ring):
            neighbors.setdefault(first, []).append(second)
            neighbors.setdefault(second, []).append(first)
    polygons = []
    while neighbors:
        polygon = [min(neighbors)]
        while polygon[-1] in neighbors:
            ahead = [point for point in neighbors.pop(polygon[-1]) if point in neighbors]
            polygon += ahead[:1]
        polygons.append(polygon)
    return polygons


def _largest_fan(polygon: list[Point]) -> list[tuple[Point, Point, Point]]:
    """Triangles that fill a polygon, all from one of its corners.

    Polygons of five and six corners are not flat, so their area depends on the corner. The one that gives most in a
    cube of side 1 is chosen, whatever the spacing: with it, areas agree with those of Nikolov et al.'s own program.
    """
    turned = [polygon[k:] + polygon[:k] for k in range(len(polygon))]
    fans = [[(p[0], p[k], p[k + 1]) for k in range(1, len(p) - 1)] for p in turned]
    return max(fans, key=lambda fan: round(sum(_area(triangle, np.ones(3)) for triangle in fan), 9))
