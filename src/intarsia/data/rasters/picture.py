"""An ordinary picture file that cannot be read by window, decoded whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from intarsia.data.formats.image import ImageArray, read_image
from intarsia.data.formats.mask import MaskArray, read_mask
from intarsia.data.rasters.addresses import fetched
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.identity import source_identity
from intarsia.errors import DataError


class PictureRaster(ArrayRaster):
    """A PNG, JPEG, WebP, BMP or small TIFF file as :func:`~intarsia.data.formats.image.read_image` reads it.

    Args:
        address: the file, or its address in a store that fsspec reaches.
        expand: whether palettes and pixels of a few bits are; else it is read as a mask, by
            :func:`~intarsia.data.formats.mask.read_mask`.

    Raises:
        DataError: the file cannot be read; see the two functions.
    """

    def __init__(self, address: str | Path, *, expand: bool = True) -> None:
        super().__init__(_pixels(address, read_image if expand else read_mask), name=str(address))
        self._address = address

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._address, self)


def _pixels(address: str | Path, read: Callable[[Path], ImageArray | MaskArray]) -> ImageArray | MaskArray:
    with fetched(address) as path:
        try:
            return read(path)
        except DataError as error:
            raise DataError(error.found, where=address, remedy=error.remedy) from error
