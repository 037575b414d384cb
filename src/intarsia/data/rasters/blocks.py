"""Finished pieces of a giant result, one small file each, so that a killed run can go on where it was."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float16, UInt8, UInt16

from intarsia.data.rasters.raster import GeoReference, Raster
from intarsia.data.rasters.tiff_layout import TILE_BYTE_COUNTS, TILE_OFFSETS, Directory, write_tiff
from intarsia.data.rasters.tiff_tags import longs, read_tags, shorts
from intarsia.errors import DataError
from intarsia.files import atomic_path

_TILE = 512  # pixels a side of what is compressed together, at most; as in the files results are written to
_PLAIN, _DEFLATE = 1, 8
_FAST = 1  # zlib's level: twice the size of level 6, four times as fast, and gone in the end

BlockArray = (
    UInt8[np.ndarray, "height width"]
    | UInt16[np.ndarray, "height width"]
    | Float16[np.ndarray, "channels height width"]
)
"""uint8 or uint16 [h, w], or float16 [K, h, w]."""


@runtime_checkable
class Place(Protocol):
    """Where in a picture a block lies."""

    @property
    def top(self) -> int:
        """Its first row."""

    @property
    def left(self) -> int:
        """Its first column."""

    @property
    def height(self) -> int:
        """Its rows."""

    @property
    def width(self) -> int:
        """Its columns."""

    @property
    def name(self) -> str:
        """What its files are called."""


def block_file(folder: Path, name: str, layer: str) -> Path:
    """The file of one layer of one block; that it is there means that it is whole."""
    return folder / f"{name}.{layer}.tif"


def write_block(folder: Path, name: str, layer: str, array: BlockArray) -> None:
    """Store one layer of one block: a tiled TIFF any program opens, whole or not at all.

    Whole numbers are compressed (deflate, fastest); float16 is not, for it would shrink little and take longer than
    the network.

    Args:
        folder: where blocks are kept; made when it is not there.
        name: of the block.
        layer: of the result, such as ``labels``.
        array: uint8 or uint16 [h, w], or float16 [K, h, w].

    Raises:
        OutputError: it cannot be written.
    """
    planes = array[None] if array.ndim == 2 else array
    channels, height, width = planes.shape
    compressed = planes.dtype != np.float16
    side = min(_TILE, -(-max(height, width) // 16) * 16)  # TIFF's tiles are multiples of 16
    places = list(product(range(channels), range(0, height, side), range(0, width, side)))
    tiles: Iterable[bytes] = (
        _tile(planes[channel, top : top + side, left : left + side], side, compressed) for channel, top, left in places
    )
    if compressed:
        tiles = list(tiles)
        counts = np.asarray([len(tile) for tile in tiles], np.uint64)
    else:
        counts = np.full(len(places), side * side * planes.dtype.itemsize, np.uint64)
    bits, kind = 8 * planes.dtype.itemsize, 1 if compressed else 3  # SampleFormat: unsigned, or floating point
    tags = {256: longs(width), 257: longs(height), 258: shorts(*[bits] * channels), 262: shorts(1)}
    tags |= {259: shorts(_DEFLATE if compressed else _PLAIN), 277: shorts(channels), 284: shorts(1 + (channels > 1))}
    tags |= {322: shorts(side), 323: shorts(side), 339: shorts(*[kind] * channels)}
    if channels > 1:
        tags[338] = shorts(*[0] * (channels - 1))  # ExtraSamples: whatever they are
    with atomic_path(block_file(folder, name, layer)) as temporary, temporary.open("wb") as stream:
        write_tiff(stream, [Directory(tags, counts, tiles)])


def _tile(values: np.ndarray, side: int, compressed: bool) -> bytes:
    whole = np.zeros((side, side), values.dtype.newbyteorder("<"))
    whole[: values.shape[0], : values.shape[1]] = values
    return zlib.compress(whole.data, _FAST) if compressed else whole.tobytes()


class Mosaic:
    """All blocks of one layer, as one raster of which any window can be read.

    A window is put together from the parts of files under it; nothing else is held in memory but where in the last
    used files the tiles lie.

    Args:
        folder: where the blocks are kept.
        blocks: all of them: rows of blocks that cross columns of blocks, without gaps.
        layer: of the result.
        dtype: of its values.
        channels: 1, or K for probabilities.
        fill: the value where a block has no file.
        source: the picture the result was made from, whose georeference and pixel size it gets.
    """

    def __init__(
        self,
        folder: Path,
        blocks: Iterable[Place],
        layer: str,
        dtype: np.dtype[Any],
        *,
        channels: int = 1,
        fill: int = 0,
        source: Raster | None = None,
    ) -> None:
        self._folder, self._layer, self._fill = folder, layer, fill
        self._blocks = {(block.top, block.left): block for block in blocks}
        self._tops = sorted({top for top, _ in self._blocks})
        self._lefts = sorted({left for _, left in self._blocks})
        last = self._blocks[self._tops[-1], self._lefts[-1]]
        self.name = f"{layer} blocks in {folder}"
        self.size = (last.top + last.height, last.left + last.width)
        self.channels = channels
        self.dtype = np.dtype(dtype)
        self.chunk = (_TILE, _TILE)
        self.georeference: GeoReference | None = None if source is None else source.georeference
        self.pixel_size = None if source is None else source.pixel_size
        # Where the tiles of the last used files lie: writers come back to a row of blocks again and again.
        self._index: Callable[[Path], _Index] = lru_cache(maxsize=256)(_Index)

    def read(
        self, top: int, left: int, height: int, width: int
    ) -> (
        UInt8[np.ndarray, "_height _width _channels"]
        | UInt16[np.ndarray, "_height _width _channels"]
        | Float16[np.ndarray, "_height _width _channels"]
    ):
        """The values of a window within the picture.

        Raises:
            DataError: the file of a block is damaged.
        """
        window = np.full((height, width, self.channels), self._fill, self.dtype)
        tops = self._tops[bisect_right(self._tops, top) - 1 : bisect_left(self._tops, top + height)]
        lefts = self._lefts[bisect_right(self._lefts, left) - 1 : bisect_left(self._lefts, left + width)]
        for place in product(tops, lefts):
            block = self._blocks[place]
            file = block_file(self._folder, block.name, self._layer)
            rows = slice(max(top, block.top), min(top + height, block.top + block.height))
            columns = slice(max(left, block.left), min(left + width, block.left + block.width))
            into = window[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            try:
                self._index(file).read(rows.start - block.top, columns.start - block.left, into)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, zlib.error) as error:
                raise DataError(
                    f"is a damaged block file ({error})", where=file, remedy="Delete it and run the same command again"
                ) from error
        return window

    def valid(self, top: int, left: int, height: int, width: int) -> None:
        """A result says by its values where there is none."""

    def identity(self) -> str:
        """Its name: blocks follow from the run they belong to."""
        return self.name

    def close(self) -> None:
        """Forget where tiles lie; no file stays open."""


class _Index:
    """Where the tiles of a block file lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as stream:
            tags = read_tags(stream) or {}
        try:
            (width,), (height,) = tags[256].integers(), tags[257].integers()
            (compression,), (self._side,) = tags[259].integers(), tags[322].integers()
            self._offsets, self._counts = tags[TILE_OFFSETS].integers(), tags[TILE_BYTE_COUNTS].integers()
        except KeyError as error:
            raise OSError(f"the tag {error} is missing") from error
        self._compressed = compression == _DEFLATE
        self._down, self._across = -(-height // self._side), -(-width // self._side)

    def read(self, top: int, left: int, into: np.ndarray) -> None:
        """Fill ``into`` [h, w, C] with the values from row ``top`` and column ``left`` on."""
        height, width, channels = into.shape
        side = self._side
        rows, columns = range(top // side, -(-(top + height) // side)), range(left // side, -(-(left + width) // side))
        with self._path.open("rb") as stream:
            for channel, row, column in product(range(channels), rows, columns):
                index = (channel * self._down + row) * self._across + column
                stream.seek(self._offsets[index])
                content = stream.read(self._counts[index])
                stored = np.frombuffer(zlib.decompress(content) if self._compressed else content, into.dtype)
                values = stored.reshape(side, side)
                first, last = max(top, row * side), min(top + height, (row + 1) * side)
                begin, end = max(left, column * side), min(left + width, (column + 1) * side)
                into[first - top : last - top, begin - left : end - left, channel] = values[
                    first - row * side : last - row * side, begin - column * side : end - column * side
                ]
