"""A picture in memory, as a raster."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia.data.formats.image import ImageArray, as_image_array
from intarsia.data.rasters.raster import GeoReference


class ArrayRaster:
    """A numpy array, in memory or mapped into it.

    Args:
        array: uint8 or uint16, [H, W] or [H, W, C].
        name: for messages.
        valid: where it holds data; None: everywhere.
        georeference: where it lies on the ground.
        pixel_size: micrometers a pixel down and across.

    Raises:
        ShapeError: an array of another shape or dtype.
    """

    def __init__(
        self,
        array: np.ndarray,
        *,
        name: str = "image",
        valid: Bool[np.ndarray, "_height _width"] | None = None,
        georeference: GeoReference | None = None,
        pixel_size: tuple[float, float] | None = None,
    ) -> None:
        self._array = as_image_array(array)
        self._valid = valid
        self.name = name
        self.size: tuple[int, int] = self._array.shape[:2]
        self.channels = self._array.shape[2]
        self.dtype: np.dtype[Any] = self._array.dtype
        self.chunk = (1, self.size[1])
        self.georeference = georeference
        self.pixel_size = pixel_size

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """See :meth:`~intarsia.data.rasters.raster.Raster.read`; a view of the array, which must not be written to."""
        return self._array[top : top + height, left : left + width]

    def valid(self, top: int, left: int, height: int, width: int) -> Bool[np.ndarray, "_height _width"] | None:
        """See :meth:`~intarsia.data.rasters.raster.Raster.valid`."""
        return None if self._valid is None else self._valid[top : top + height, left : left + width]

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(f"{self._array.shape} {self.dtype}".encode())
        for row in self._array:
            digest.update(np.ascontiguousarray(row).data)
        return digest.hexdigest()

    def identity(self) -> str:
        """The sha256 of shape, dtype and values, taken once: an array is not expected to change while it is read."""
        return self._digest

    def close(self) -> None:
        """There is nothing to close."""
