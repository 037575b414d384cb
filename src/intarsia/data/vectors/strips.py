"""Regions of a raster of any size, found strip by strip and handed on as soon as they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Int32, Shaped
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as connected_nodes

from intarsia.data.vectors.corners import find_corners
from intarsia.ops.components import connected_components

Window = Callable[[int, int, int, int], Int32[np.ndarray, "_height _width"]]
"""Reads the classes of a window, given its top, left, height and width; 0 is no class."""

Corners = Shaped[np.ndarray, "_corners"]
"""Records of :data:`~intarsia.data.vectors.corners.CORNER`."""


def ended_regions(read: Window, size: tuple[int, int], block: int) -> Iterator[Corners]:
    """Find the 4-connected regions of equal class, a strip of blocks at a time.

    Kept from strip to strip are one row of pixels and the corners of the regions that touch it, nothing else.

    Args:
        read: the classes.
        size: height and width of the raster in pixels.
        block: pixels a side of what is read at once.

    Yields:
        For each strip the corners of the regions that end in it, whose ``piece`` tells the regions of a strip apart.
    """
    height, width = size
    above = np.zeros((2, width + 1), np.int32)  # class and piece, after one column of nothing
    held: list[list[Corners]] = [[]]  # of each piece above
    for top in range(0, height, block):
        rows, last = min(block, height - top), top + block >= height
        corners, contacts, count, below = _read_strip(read, above, (top, rows, last), block)
        region_of = _regions(contacts, count)
        goes_on = np.zeros(count + 1, np.bool_)
        if not last:
            goes_on[region_of[below[1][below[1] > 0]]] = True
        number = np.cumsum(goes_on, dtype=np.int32)  # of the regions that go on, from 1
        corners["piece"] = region_of[corners["piece"]]
        held, ended = _hold(held, region_of, goes_on)
        going = goes_on[corners["piece"]]
        for part in _apart(corners[going]):
            held[number[part["piece"][0]]].append(part)
        yield np.concatenate([*ended, corners[~going]])
        below[1] = np.where(below[1] > 0, number[region_of[below[1]]], 0)
        above = below


def _read_strip(
    read: Window, above: Int32[np.ndarray, "2 columns"], rows: tuple[int, int, bool], block: int
) -> tuple[Corners, Int32[np.ndarray, "2 contacts"], int, Int32[np.ndarray, "2 columns"]]:
    """Number the pieces of a strip, block by block.

    Args:
        read: the classes.
        above: class and piece of each pixel of the row above, after one column of nothing.
        rows: the first one, how many there are, and whether they are the last.
        block: the width of a block.

    Returns:
        The corners; which pieces touch, pair by pair; how many pieces there are, those above included; and the last
        row, as ``above``.
    """
    top, height, last = rows
    width = above.shape[1] - 1
    found, contacts, count = [], [], int(above[1].max())
    below, beside = np.zeros_like(above), np.zeros((2, height), np.int32)
    for left in range(0, width, block):
        columns = min(block, width - left)
        # The borders at the end of the picture lie between its last pixels and nothing.
        window = np.zeros((2, height + 1 + last, columns + 1 + (left + columns == width)), np.int32)
        inside = window[:, 1 : height + 1, 1 : columns + 1]
        window[:, 0, : columns + 1] = above[:, left : left + columns + 1]
        window[:, 1 : height + 1, 0] = beside
        inside[0] = read(top, left, height, columns)
        pieces, new = connected_components(inside[0], 4)
        inside[1] = np.where(pieces, pieces + count, 0)
        count += new
        contacts += [_contacts(window[:, 0, 1 : columns + 1], inside[:, 0]), _contacts(beside, inside[:, :, 0])]
        found.append(find_corners(window, top, left))
        beside, below[:, left + 1 : left + columns + 1] = inside[:, :, -1].copy(), inside[:, -1]
    return np.concatenate(found), np.concatenate(contacts, axis=1), count, below


def _contacts(first: Int32[np.ndarray, "2 pixels"], second: Int32[np.ndarray, "2 pixels"]) -> Int32[np.ndarray, "2 n"]:
    """The pieces on both sides of a seam that are of one class, pair by pair."""
    alike = (first[0] == second[0]) & (first[0] > 0)
    return np.stack([first[1, alike], second[1, alike]])


def _regions(contacts: Int32[np.ndarray, "2 contacts"], count: int) -> Int32[np.ndarray, "pieces"]:
    """The region of each of the pieces 0 … ``count``, given which of them touch; 0 is none."""
    graph = coo_array((np.ones(contacts.shape[1], np.bool_), tuple(contacts)), shape=(count + 1, count + 1))
    _, region_of = connected_nodes(graph, directed=False)
    return np.asarray(region_of, np.int32)


def _hold(
    held: list[list[Corners]], region_of: Int32[np.ndarray, "pieces"], goes_on: Bool[np.ndarray, "pieces"]
) -> tuple[list[list[Corners]], list[Corners]]:
    """Part the corners of the pieces above: those of regions that go on, by their new number, and all others.

    The arrays of a region that goes on are not looked at: one that spans the picture would be copied in every strip.
    """
    number = np.cumsum(goes_on)
    kept: list[list[Corners]] = [[] for _ in range(int(number[-1]) + 1)]
    ended = []
    for parts, region in zip(held, region_of[: len(held)].tolist(), strict=True):
        if goes_on[region]:
            shorter, longer = sorted((parts, kept[number[region]]), key=len)
            longer += shorter
            kept[number[region]] = longer
            continue
        for part in parts:
            part["piece"] = region
        ended += parts
    return kept, ended


def _apart(corners: Corners) -> list[Corners]:
    """The corners of each region by themselves, copied, so that they do not keep those of the others in memory."""
    ordered = corners[np.argsort(corners["piece"], kind="stable")]
    borders = np.flatnonzero(ordered["piece"][1:] != ordered["piece"][:-1]) + 1
    return [part.copy() for part in np.split(ordered, borders) if len(part)]
