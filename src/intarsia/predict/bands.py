"""Reading a picture band by band: all that one row of tiles shows, while the network works on the row before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from intarsia.data.rasters.raster import Raster
from intarsia.predict.prepared import Picture
from intarsia.predict.tiling import Span

_MOST_AHEAD = 1024  # rows of a chunk up to which it is read as a whole, though later tiles alone need the rest


@dataclass(frozen=True, eq=False)
class Band:
    """The pixels under a row of tiles.

    Args:
        pixels: uint8 or uint16 [h, w, C].
        valid: bool [h, w], where there is data; None: everywhere.
        top: the picture's row of the first of ``pixels``.
        left: its column.
    """

    pixels: Picture
    valid: Bool[np.ndarray, "height width"] | None
    top: int
    left: int

    def tile(self, row: Span, column: Span) -> Picture | None:
        """What the network sees of a tile; None where it holds no data."""
        rows, columns = (
            slice(span.start - offset, span.start + span.length - offset)
            for span, offset in ((row, self.top), (column, self.left))
        )
        if self.valid is not None and not self.valid[rows, columns].any():
            return None
        return self.pixels[rows, columns]


def read_bands(raster: Raster, rows: Sequence[Span], columns: Sequence[Span]) -> Iterator[Band]:
    """The bands under ``rows``, from top to bottom; each next one is read by a thread while one is worked on.

    A row of the picture is read once, though tiles overlap.

    Raises:
        DataError: a part of the picture cannot be read.
    """
    rolling = _Rolling(raster, columns[0].start, columns[-1].start + columns[-1].length)
    reader = ThreadPoolExecutor(1, thread_name_prefix="intarsia-read")
    ahead: Future[Band] | None = None
    try:
        for row, later in zip(rows, [*rows[1:], None], strict=True):
            band = (ahead or reader.submit(rolling.band, row)).result()
            ahead = reader.submit(rolling.band, later) if later else None
            yield band
    finally:
        reader.shutdown(cancel_futures=True)


class _Rolling:
    """Bands of a raster's columns from ``left`` to before ``right``, asked for from top to bottom."""

    def __init__(self, raster: Raster, left: int, right: int) -> None:
        self._raster, self._left, self._width = raster, left, right - left
        chunk = raster.chunk[0]
        self._step = chunk if chunk <= _MOST_AHEAD else 1
        self._top = self._bottom = 0
        self._pixels: Picture | None = None
        self._valid: Bool[np.ndarray, "height width"] | None = None

    def band(self, row: Span) -> Band:
        """The next one."""
        first, last = row.start, row.start + row.length
        if self._pixels is None or first >= self._bottom:
            self._pixels = self._valid = None
            self._top = self._bottom = first
        if last > self._bottom:
            self._read_to(first, min(-(-last // self._step) * self._step, self._raster.size[0]))
        pixels, used = self._pixels, slice(first - self._top, last - self._top)
        assert pixels is not None
        return Band(pixels[used], None if self._valid is None else self._valid[used], first, self._left)

    def _read_to(self, first: int, bottom: int) -> None:
        window = (self._bottom, self._left, bottom - self._bottom, self._width)
        pixels, valid = self._raster.read(*window), self._raster.valid(*window)
        if self._pixels is not None:
            kept = slice(first - self._top, None)
            if valid is not None or self._valid is not None:
                valid = np.concatenate([_mask(self._valid, self._pixels)[kept], _mask(valid, pixels)])
            pixels = np.concatenate([self._pixels[kept], pixels])
        self._pixels, self._valid = pixels, valid
        self._top, self._bottom = first, bottom


def _mask(valid: Bool[np.ndarray, "height width"] | None, pixels: Picture) -> Bool[np.ndarray, "height width"]:
    return np.ones(pixels.shape[:2], np.bool_) if valid is None else valid
