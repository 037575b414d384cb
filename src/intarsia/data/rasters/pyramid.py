"""A giant raster of labels and all its smaller versions, in one reading and with memory that does not grow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase

import numpy as np
from jaxtyping import UInt8, UInt16, UInt64

from intarsia.data.parallel import Progress
from intarsia.data.rasters.raster import Raster

TILE = 512
"""Pixels a side of what is compressed together."""

_LEVEL = 3  # of zlib: labels become a third larger than at its usual 6, in a quarter of the time

Labels = UInt8[np.ndarray, "_height _width"] | UInt16[np.ndarray, "_height _width"]
"""uint8 or uint16 [H, W]."""


def level_sizes(size: tuple[int, int], tile: int = TILE) -> list[tuple[int, int]]:
    """Height and width of a picture and of its halves, rounded up, down to the first that one tile holds."""
    sizes = [size]
    while max(sizes[-1]) > tile:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def pyramid(
    raster: Raster, tile: int = TILE, progress: Progress | None = None
) -> Iterator[tuple[int, int, int, Labels]]:
    """The tiles of every level of a raster of one channel.

    A tile of a smaller level comes right after the four it is made of, so that no more than four tiles a level are
    held. The raster is read once, tile by tile, near ones soon after each other.

    Yields:
        Level (0 the picture itself), row and column of the tile, and its values, cut at the border of the picture.
    """
    sizes = level_sizes(raster.size, tile)
    height, width = (-(-length // tile) for length in raster.size)
    done = 0
    for level, row, column, values in _branch(raster, sizes, tile, (len(sizes) - 1, 0, 0)):
        yield level, row, column, values
        if progress is not None and level == 0:
            done += 1
            progress(done, height * width)


def halve(values: Labels) -> Labels:
    """Half the size, rounded up: of four pixels the value that is most frequent, of equally frequent ones the first.

    Values are never averaged: between the classes 1 and 3 does not lie the class 2.
    """
    height, width = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2)), mode="edge")
    a, b, c, d = values[::2, ::2], values[::2, 1::2], values[1::2, ::2], values[1::2, 1::2]
    # Where a has no equal, b has at most two, and so has c; where none has, all four are equally frequent.
    without_a = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where((a == b) | (a == c) | (a == d), a, without_a)


def _branch(
    raster: Raster, sizes: list[tuple[int, int]], tile: int, place: tuple[int, int, int]
) -> Iterator[tuple[int, int, int, Labels]]:
    """The tiles under and at ``place``, which comes last."""
    level, row, column = place
    top, left = row * tile, column * tile
    height, width = (min(tile, length - start) for length, start in zip(sizes[level], (top, left), strict=True))
    if level == 0:
        yield (*place, raster.read(top, left, height, width)[:, :, 0])
        return
    values = np.empty((height, width), raster.dtype)
    half = tile // 2
    for down in range(-(-height // half)):
        for across in range(-(-width // half)):
            below = (level - 1, 2 * row + down, 2 * column + across)
            for each in _branch(raster, sizes, tile, below):
                yield each
            smaller = halve(each[3])
            values[down * half :, across * half :][: smaller.shape[0], : smaller.shape[1]] = smaller
    yield (*place, values)


@dataclass(frozen=True)
class SpooledLevel:
    """The compressed tiles of one level, in a temporary file.

    Args:
        size: height and width of the level in pixels.
        spool: the file.
        offsets: where each tile lies, in reading order.
        counts: its bytes.
    """

    size: tuple[int, int]
    spool: BufferedIOBase
    offsets: UInt64[np.ndarray, " tiles"] = field(repr=False)
    counts: UInt64[np.ndarray, " tiles"] = field(repr=False)

    def tiles(self) -> Iterator[bytes]:
        """Their contents, in reading order."""
        for offset, count in zip(self.offsets.tolist(), self.counts.tolist(), strict=True):
            self.spool.seek(offset)
            yield self.spool.read(count)


def spool_pyramid(raster: Raster, spool: BufferedIOBase, progress: Progress | None = None) -> list[SpooledLevel]:
    """Compress every tile of a raster and its smaller versions (deflate) into a temporary file.

    Formats that want the smallest level, or all sizes, first can then be written in one go.
    """
    levels = []
    for height, width in level_sizes(raster.size):
        count = -(-height // TILE) * -(-width // TILE)
        levels.append(SpooledLevel((height, width), spool, np.zeros(count, np.uint64), np.zeros(count, np.uint64)))
    for level, row, column, values in pyramid(raster, TILE, progress):
        into = levels[level]
        content = deflated(values)
        index = row * -(-into.size[1] // TILE) + column
        into.offsets[index], into.counts[index] = spool.tell(), len(content)
        spool.write(content)
    return levels


def deflated(values: Labels) -> bytes:
    """A tile as TIFF stores it: filled up with zeros to its full size, little-endian, zlib."""
    height, width = values.shape
    whole = np.zeros((TILE, TILE), values.dtype.newbyteorder("<"))
    whole[:height, :width] = values
    return zlib.compress(whole.data, _LEVEL)
