"""A frame of a video, as a raster."""

from __future__ import annotations

from intarsia.data.formats.video import frame_address, read_frame
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.identity import source_identity


class FrameRaster(ArrayRaster):
    """The frame of a number, decoded whole.

    Args:
        path: the video.
        index: the number of the frame, from 0.

    Raises:
        DataError: it cannot be read; see :func:`~intarsia.data.formats.video.read_frame`.
    """

    def __init__(self, path: str, index: int) -> None:
        super().__init__(read_frame(path, index), name=frame_address(path, index))
        self._path, self._index = path, index

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return f"{source_identity(self._path, self)} {self._index}"
