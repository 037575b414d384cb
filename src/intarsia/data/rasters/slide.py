"""Whole-slide pictures of pathology, at a chosen magnification."""

from __future__ import annotations

import threading
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from intarsia.data.rasters.chunks import Chunks
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import source_identity
from intarsia.data.rasters.raster import GeoReference, undecodable
from intarsia.errors import DataError

_CHUNK = 512  # pixels a side, where the file does not say how large its tiles are
_SAME_SCALE = 0.005  # files write 4.0003 where a quarter is meant


class SlideRaster:
    """A slide read by OpenSlide, as RGB on white; what was not scanned is not valid.

    At a magnification the file does not hold, the next larger level is averaged over the area of each pixel. Whatever
    the window, the file is read in the same pieces, so that windows fit together exactly.

    Args:
        path: the file, or the main file of a slide of several files.
        magnification: such as 20 for 20×; None: as scanned.

    Raises:
        DataError: OpenSlide is not installed, the file is not a slide it reads, does not say at which magnification
            it was scanned, or was scanned at a lower one.
    """

    georeference: GeoReference | None = None
    channels = 3
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, path: str | Path, *, magnification: float | None = None) -> None:
        self.name = str(path)
        self._path = Path(path)
        self._openslide = required("openslide", where=path)
        self._slide = self._open()
        self._lock = threading.Lock()
        factor = _factor(self._slide.properties, magnification, self.name)
        # A hair above, so that the level meant is found where the file writes 4.0003 for 4.
        self._level: int = self._slide.get_best_level_for_downsample(factor * (1 + _SAME_SCALE))
        self._downsample: float = self._slide.level_downsamples[self._level]
        width, height = self._slide.level_dimensions[self._level]
        tile = [
            self._slide.properties.get(f"openslide.level[{self._level}].tile-{side}") for side in ("height", "width")
        ]
        down, across = (int(side) if side else _CHUNK for side in tile)
        self._chunks = Chunks(self.name, (height, width), (down, across), 4, self.dtype, self._decode)
        self._shrink = factor / self._downsample
        if isclose(self._shrink, 1, abs_tol=_SAME_SCALE):
            self._shrink = 1.0
        self.size: tuple[int, int] = (max(1, int(height / self._shrink)), max(1, int(width / self._shrink)))
        self.chunk = (max(1, int(down / self._shrink)), max(1, int(across / self._shrink)))
        self.pixel_size = _pixel_size(self._slide.properties, self._shrink * self._downsample)

    def read(self, top: int, left: int, height: int, width: int) -> UInt8[np.ndarray, "_height _width 3"]:
        """See :meth:`~intarsia.data.rasters.raster.Raster.read`."""
        values = self._values(top, left, height, width)
        color, alpha = values[:, :, :3], values[:, :, 3:]
        if (alpha == 255).all():
            return np.ascontiguousarray(color)
        shown: np.ndarray = color.astype(np.uint16) * alpha + 255 * (255 - alpha.astype(np.uint16))
        return ((shown + 127) // 255).astype(np.uint8)

    def valid(self, top: int, left: int, height: int, width: int) -> Bool[np.ndarray, "_height _width"] | None:
        """Where the slide was scanned; None: everywhere in the window."""
        alpha = self._values(top, left, height, width)[:, :, 3]
        return None if alpha.all() else alpha > 0

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._path, self)

    def close(self) -> None:
        """Close the file."""
        self._slide.close()

    def _open(self) -> Any:
        try:
            return self._openslide.OpenSlide(str(self._path))
        except (OSError, self._openslide.OpenSlideError) as error:
            found = "cannot be opened as a slide" if self._path.exists() else "cannot be opened (no such file)"
            raise DataError(
                found,
                where=self.name,
                remedy="Give a whole slide that OpenSlide reads (svs, ndpi, mrxs, scn, vms, bif, …), or leave out "
                "the magnification for other pictures",
            ) from error

    def _decode(self, row: int, column: int) -> UInt8[np.ndarray, "_height _width 4"]:
        """One tile of the level, RGBA."""
        (down, across), (height, width) = self._chunks.chunk, self._chunks.size
        top, left = row * down, column * across
        place = (round(left * self._downsample), round(top * self._downsample))
        slide = self._slide
        try:
            tile = slide.read_region(place, self._level, (min(across, width - left), min(down, height - top)))
        except self._openslide.OpenSlideError:
            # After an error OpenSlide refuses everything, but the rest of the slide may be sound. The old handle is
            # not closed here because another thread may be reading with it; it goes when the last one lets go of it.
            with self._lock:
                if self._slide is slide:
                    self._slide = self._open()
            raise
        return np.asarray(tile)

    def _values(self, top: int, left: int, height: int, width: int) -> UInt8[np.ndarray, "{height} {width} 4"]:
        if self._shrink == 1:
            return self._chunks.read(top, left, height, width)
        first, rows = _area_weights(top, height, self._shrink, self._chunks.size[0])
        begin, columns = _area_weights(left, width, self._shrink, self._chunks.size[1])
        try:
            values = self._chunks.read(first, begin, rows.shape[1], columns.shape[1]).astype(np.float64)
        except DataError as error:  # which names the window in the level
            raise undecodable(self.name, (top, left, height, width), error) from error.__cause__
        values[:, :, :3] *= values[:, :, 3:]  # what was not scanned has no color to add
        across = columns @ values.transpose(1, 0, 2).reshape(columns.shape[1], -1)
        across = across.reshape(width, -1, 4).transpose(1, 0, 2)
        mean: np.ndarray = (rows @ across.reshape(rows.shape[1], -1)).reshape(height, width, 4)
        mean[:, :, :3] /= np.maximum(mean[:, :, 3:], 1e-9)
        return np.floor(mean + 0.5).astype(np.uint8)


def _area_weights(start: int, length: int, shrink: float, limit: int) -> tuple[int, Any]:
    """The first source pixel, and the share of each source pixel in each of ``length`` pixels, a sparse matrix.

    Its entries depend on the place of a pixel in the whole picture alone and are summed in the order of the source
    pixels, which is what makes windows equal to the last bit.
    """
    from scipy.sparse import csr_array

    edges = np.minimum(np.arange(start, start + length + 1) * shrink, limit)
    begins, ends = edges[:-1, None], edges[1:, None]
    sources = np.floor(begins).astype(np.int64) + np.arange(int(np.ceil(shrink)) + 1)
    shares = np.maximum(np.minimum(ends, sources + 1) - np.maximum(begins, sources), 0) / (ends - begins)
    first, last = int(edges[0]), int(np.ceil(edges[-1])) - 1
    columns = np.minimum(sources, last) - first  # beyond the last the shares are 0
    rows = np.broadcast_to(np.arange(length)[:, None], columns.shape)
    return first, csr_array((shares.ravel(), (rows.ravel(), columns.ravel())), shape=(length, last - first + 1))


def _factor(properties: Any, magnification: float | None, name: str) -> float:
    """By how much the slide is shrunk from what was scanned."""
    if magnification is None:
        return 1.0
    scanned = properties.get("openslide.objective-power")
    if scanned is None:
        raise DataError(
            "does not say at which magnification it was scanned",
            where=name,
            remedy="Leave the magnification out to read it as scanned",
        )
    if not 0 < magnification <= float(scanned) * (1 + _SAME_SCALE):
        raise DataError(
            f"was scanned at {float(scanned):g}×, and cannot be read at {magnification:g}×",
            where=name,
            remedy=f"Ask for a magnification above 0 and up to {float(scanned):g}",
        )
    return float(scanned) / magnification


def _pixel_size(properties: Any, downsample: float) -> tuple[float, float] | None:
    down, across = properties.get("openslide.mpp-y"), properties.get("openslide.mpp-x")
    return None if down is None or across is None else (float(down) * downsample, float(across) * downsample)
