"""A picture of any size that takes no memory: a texture that repeats, with glass around patches of tissue."""

from __future__ import annotations

from typing import Any

import numpy as np

from intarsia.data.rasters.raster import GeoReference
from intarsia.data.shapes import draw_shapes

TEXTURE = 2048
_PATCH = 8192  # pixels between the corners of patches
GLASS = 240


class VirtualRaster:
    """Drawn shapes that repeat every 2048 pixels.

    Args:
        side: height and width.
        tissue: the share of each patch of 8192 pixels that shows them; the rest is even glass.
    """

    name = "virtual"
    channels = 3
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    chunk = (512, 512)
    georeference: GeoReference | None = None
    pixel_size: tuple[float, float] | None = (0.25, 0.25)

    def __init__(self, side: int, tissue: float = 1.0) -> None:
        self.size = (side, side)
        self._shown = round(_PATCH * tissue**0.5)
        self._texture, _ = draw_shapes(7, TEXTURE, TEXTURE)

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """A window of it."""
        rows, columns = np.arange(top, top + height), np.arange(left, left + width)
        window = np.full((height, width, 3), GLASS, np.uint8)
        down, across = (np.flatnonzero(each % _PATCH < self._shown) for each in (rows, columns))
        if len(down) and len(across):
            shown = self._texture[rows[down] % TEXTURE][:, columns[across] % TEXTURE]
            window[down[:, None], across] = shown
        return window

    def valid(self, top: int, left: int, height: int, width: int) -> None:
        """Everything holds data."""

    def identity(self) -> str:
        """What it is made of."""
        return f"virtual {self.size} {self._shown}"

    def close(self) -> None:
        """There is nothing to close."""
