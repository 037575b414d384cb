"""An ordinary picture file that cannot be read by window, decoded whole."""

from __future__ import annotations

from pathlib import Path

from intarsia.data.formats.image import read_image
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.identity import source_identity


class PictureRaster(ArrayRaster):
    """A PNG, JPEG, WebP, BMP or small TIFF file as :func:`~intarsia.data.formats.image.read_image` reads it.

    Args:
        path: the file.

    Raises:
        DataError: the file cannot be read; see :func:`~intarsia.data.formats.image.read_image`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(read_image(path), name=str(path))
        self._path = path

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._path, self)
