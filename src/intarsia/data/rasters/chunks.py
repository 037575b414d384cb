"""Windows put together from the chunks of a regular grid, of which the last used ones are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from intarsia.data.rasters.raster import undecodable

KEPT_BYTES = 64 * 2**20
"""Of decoded chunks kept in memory, a raster; a single larger chunk is kept all the same."""


@dataclass(frozen=True)
class Chunks:
    """The chunks of a picture.

    Args:
        name: of the picture, for messages.
        size: its height and width.
        chunk: rows and columns of a chunk; those at the right and lower border may reach beyond the picture.
        channels: of a pixel.
        dtype: of a value.
        decode: gives the chunk of a row and column of the grid, [rows, columns, channels], at least as far as the
            picture goes. Threads may call it at the same time.
    """

    name: str
    size: tuple[int, int]
    chunk: tuple[int, int]
    channels: int
    dtype: np.dtype[Any]
    decode: Callable[[int, int], np.ndarray]
    _kept: OrderedDict[tuple[int, int], np.ndarray] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """The values of a window within the picture, [height, width, channels].

        Raises:
            DataError: a chunk it touches cannot be decoded.
        """
        assert 0 <= top <= top + height <= self.size[0], "a window lies within the picture"
        assert 0 <= left <= left + width <= self.size[1], "a window lies within the picture"
        window = np.empty((height, width, self.channels), self.dtype)
        down, across = self.chunk
        for row, column in product(
            range(top // down, -(-(top + height) // down)), range(left // across, -(-(left + width) // across))
        ):
            try:
                values = self._chunk(row, column)
            except Exception as error:
                # Decoders meet damaged bytes with nearly every exception there is.
                raise undecodable(self.name, (top, left, height, width), error) from error
            first, last = max(top, row * down), min(top + height, (row + 1) * down)
            begin, end = max(left, column * across), min(left + width, (column + 1) * across)
            window[first - top : last - top, begin - left : end - left] = values[
                first - row * down : last - row * down, begin - column * across : end - column * across
            ]
        return window

    def _chunk(self, row: int, column: int) -> np.ndarray:
        with self._lock:
            if (row, column) in self._kept:
                self._kept.move_to_end((row, column))
                return self._kept[row, column]
        values = self.decode(row, column)
        with self._lock:
            self._kept[row, column] = values
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return values
