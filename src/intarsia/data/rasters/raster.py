"""What a picture is to those who read it window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8, UInt16

from intarsia.errors import DataError

Window = tuple[int, int, int, int]
"""Top, left, height and width in pixels."""


@dataclass(frozen=True)
class GeoReference:
    """Where a picture lies on the ground.

    Args:
        crs: the coordinate reference system as WKT; empty when the file gives a place but no system.
        transform: (a, b, c, d, e, f): a pixel's corner at column x, row y lies at (a·x + b·y + c, d·x + e·y + f).
            The order of Python's ``affine``; GDAL's is (c, a, b, f, d, e).
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]


@runtime_checkable
class Raster(Protocol):
    """A picture read window by window, at its stored values. Threads may read at the same time.

    Attributes:
        name: path or address, for messages.
        size: height and width in pixels.
        channels: of a pixel.
        dtype: of a value, uint8 or uint16.
        chunk: rows and columns that are decoded together.
        georeference: where it lies on the ground, if the file says so.
        pixel_size: micrometers a pixel down and across, if the file says so.
    """

    name: str
    size: tuple[int, int]
    channels: int
    dtype: np.dtype[Any]
    chunk: tuple[int, int]
    georeference: GeoReference | None
    pixel_size: tuple[float, float] | None

    def read(
        self, top: int, left: int, height: int, width: int
    ) -> UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"]:
        """The values of a window that lies within the picture.

        Raises:
            DataError: a part of it cannot be decoded. Other windows can still be read.
        """

    def valid(self, top: int, left: int, height: int, width: int) -> Bool[np.ndarray, "height width"] | None:
        """Where the picture holds data; None: everywhere."""

    def identity(self) -> str:
        """Changes when the picture does; see :mod:`intarsia.data.rasters.identity`."""

    def close(self) -> None:
        """Let go of the file."""


def undecodable(name: str, window: Window, error: Exception) -> DataError:
    """Say which part of a picture is damaged, and how."""
    top, left, height, width = window
    reason = " ".join(str(error.__cause__ or error).split()).rstrip(".") or type(error).__name__
    return DataError(
        f"cannot be decoded in rows {top}–{top + height - 1}, columns {left}–{left + width - 1} ({reason})",
        where=name,
        remedy="Fetch or export the file again; the rest of it can still be read",
    )
