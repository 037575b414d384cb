"""From the corners of regions to polygons: sort them, join what lies on one line, walk around."""

from __future__ import annotations

import math
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Int32, Shaped

from intarsia.data.vectors.corners import EAST, NORTH, SOUTH, WEST
from intarsia.ops.jit import jit


def corners_to_polygons(
    corners: Shaped[np.ndarray, "corners"], shapely: Any
) -> tuple[Shaped[np.ndarray, "regions"], Int32[np.ndarray, "regions"]]:
    """Draw each region as one polygon with its holes.

    A 4-connected region gives a valid polygon: where it touches itself at a point, its border is led so that it
    encloses the other regions there; rings then meet themselves nowhere, and a hole may touch another ring at points.

    Args:
        corners: all those of some regions (:data:`~intarsia.data.vectors.corners.CORNER`).
        shapely: the module.

    Returns:
        The polygons, ordered by their last row, then by their first row and its first column, which no two share; outer
        rings run counterclockwise as x and y are reckoned, holes clockwise. And the class of each.
    """
    if not len(corners):
        return np.empty(0, object), np.empty(0, np.int32)
    # Two corners of a region may lie at one point; sorting these too makes the result the same for all blocks.
    corners = corners[_order(*(corners[key] for key in ("piece", "y", "x", "turn")))]
    following = np.full(len(corners), -1, np.int64)
    coming, leaving = corners["turn"] // 4, corners["turn"] % 4
    _lead_around_touching(corners, leaving)
    _join(coming, leaving, np.arange(len(corners)), EAST, WEST, following)
    by_column = _order(*(corners[key] for key in ("piece", "x", "y")))
    _join(coming, leaving, by_column, SOUTH, NORTH, following)
    path, ends = _walk(following)
    starts = np.append(0, ends)
    # Corners are sorted, so the rings of a region come one after another, and its outer ring, on which its first corner
    # lies, is the first of them.
    outer = np.append(_firsts(corners["piece"][path[starts[:-1]]]), len(ends))
    coordinates = np.stack([corners["x"][path], corners["y"][path]], axis=1).astype(np.float64)
    polygons = shapely.from_ragged_array(shapely.GeometryType.POLYGON, coordinates, (starts, outer))
    regions = _firsts(corners["piece"])
    first, last = corners[regions], corners[np.append(regions[1:], len(corners)) - 1]
    order = np.lexsort((first["x"], first["y"], last["y"]))
    return polygons[order], first["kind"][order]


def _order(*keys: Shaped[np.ndarray, "corners"]) -> Shaped[np.ndarray, "corners"]:
    """The order of non-negative whole numbers by the first key, then by the next."""
    spans = [int(key.max()) + 1 for key in keys]
    if math.prod(spans) >= 2**63:
        return np.lexsort(keys[::-1])
    packed = np.zeros(len(keys[0]), np.int64)  # sorting one number is five times as fast as sorting by several
    for key, span in zip(keys, spans, strict=True):
        packed = packed * span + key
    return np.argsort(packed)


def _firsts(values: Shaped[np.ndarray, "n"]) -> Shaped[np.ndarray, "groups"]:
    """Where each run of equal values begins."""
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)


@jit
@no_type_check
def _lead_around_touching(corners, leaving):
    """Where two pixels of one region touch at a point, lead its border around the pixels between them."""
    for at in range(len(corners) - 1):
        one, other = corners[at], corners[at + 1]
        if one["x"] == other["x"] and one["y"] == other["y"] and one["piece"] == other["piece"]:
            leaving[at], leaving[at + 1] = leaving[at + 1], leaving[at]


@jit
@no_type_check
def _join(coming, leaving, order, onward, back, following):
    """Join corners that the border passes one after another along lines of one direction.

    Args:
        coming: the direction in which the border comes to each corner.
        leaving: the direction in which it leaves.
        order: of the corners along the lines, those of each region by themselves. Ways of one direction on one line do
            not overlap, so each ends at the next corner that has an end.
        onward: the direction of the order.
        back: its opposite.
        following: is given the corner after each.
    """
    start, end = -1, -1
    for corner in order:
        if coming[corner] == onward:
            following[start] = corner
        if leaving[corner] == back:
            following[corner] = end
        if leaving[corner] == onward:
            start = corner
        if coming[corner] == back:
            end = corner


@jit
@no_type_check
def _walk(following):
    """Follow every ring once, from its first corner and back to it: the corners passed, and where each ring ends."""
    most = len(following) // 4  # a ring has four corners or more
    path, ends = np.empty(len(following) + most, np.int64), np.empty(most, np.int64)
    passed, rings = 0, 0
    for first in range(len(following)):
        if following[first] < 0:
            continue
        corner = first
        while following[corner] >= 0:
            path[passed] = corner
            passed += 1
            after = following[corner]
            following[corner] = -1
            corner = after
        path[passed] = first
        passed += 1
        ends[rings] = passed
        rings += 1
    return path[:passed], ends[:rings]
