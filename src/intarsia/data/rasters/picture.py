"""An ordinary picture file that cannot be read by window, decoded whole."""

from __future__ import annotations

from pathlib import Path

from intarsia.data.formats.image import ImageArray, read_image
from intarsia.data.rasters.addresses import fetched
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.identity import source_identity
from intarsia.errors import DataError


class PictureRaster(ArrayRaster):
    """A PNG, JPEG, WebP, BMP or small TIFF file as :func:`~intarsia.data.formats.image.read_image` reads it.

    Args:
        address: the file, or its address in a store that fsspec reaches.

    Raises:
        DataError: the file cannot be read; see :func:`~intarsia.data.formats.image.read_image`.
    """

    def __init__(self, address: str | Path) -> None:
        super().__init__(_pixels(address), name=str(address))
        self._address = address

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._address, self)


def _pixels(address: str | Path) -> ImageArray:
    with fetched(address) as path:
        try:
            return read_image(path)
        except DataError as error:
            raise DataError(error.found, where=address, remedy=error.remedy) from error
