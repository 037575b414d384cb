"""TIFF files of microscopes: OME-TIFF, ImageJ, BigTIFF; only the tiles or strips under a window are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia.data.formats.image import ImageArray
from intarsia.data.rasters.chunks import Chunks
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import is_remote, source_identity
from intarsia.data.rasters.palette import Colors, bit_grays, color_table
from intarsia.data.rasters.physical import in_micrometers
from intarsia.data.rasters.raster import GeoReference
from intarsia.errors import DataError

_CHANNEL_AXES = ("YX", "YXS", "YXC", "SYX", "CYX")
_PIECE = (16, 4096)  # rows and columns read at once of values that lie uncompressed one after the other
_LARGEST_CHUNK = 2**30  # bytes
_MINISWHITE, _PALETTE, _OTHER_COLORS = 0, 3, {5: "CMYK", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab"}
_ALPHA = (1, 2)  # ExtraSamples: premultiplied and plain transparency


class TiffRaster:
    """The first series of a TIFF file at full resolution, read by tifffile.

    Args:
        address: a path or any fsspec address.
        expand: whether palettes and pixels of a few bits are; of a mask they are not, whose stored values are its ids.

    Raises:
        DataError: tifffile is not installed, the file cannot be opened, is a stack (z, t), its values are not whole
            numbers of 8 or 16 bits, or it is one strip too large to be decoded at once.
    """

    georeference: GeoReference | None = None

    def __init__(self, address: str | Path, *, expand: bool = True) -> None:
        self.name = str(address)
        self._address = address
        self._expand = expand
        self._file: Any = None
        self._stream: Any = None  # of a remote file
        try:
            if is_remote(address):
                import fsspec

                self._stream = fsspec.open(str(address)).open()
            self._file = _open(address, self._stream)
            self._take(self._file.series[0].levels[0])
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise DataError(
                    f"cannot be opened ({(error.strerror or str(error)).lower()})",
                    where=address,
                    remedy="Give a picture file you may read",
                ) from error
            raise

    def _take(self, series: Any) -> None:
        """Learn from the header how the values lie."""
        page, axes = series.keyframe, series.get_axes(squeeze=True)
        _check(self.name, series, axes)
        shape: dict[str, int] = dict(zip(axes, series.get_shape(squeeze=True), strict=True))
        self._pages, self._keyframe, self._offset = list(series.pages), page, _contiguous(series)
        self.size: tuple[int, int] = (shape["Y"], shape["X"])
        self._interleaved = axes in ("YXS", "YXC")
        self._samples: int = shape.get("S") or shape.get("C", 1)
        self._alpha = "S" in shape and bool(page.extrasamples) and page.extrasamples[-1] in _ALPHA
        self._colors = _palette(page) if self._expand else None
        self.channels = self._samples - self._alpha if self._colors is None else self._colors.shape[1]
        self.dtype: np.dtype[Any] = np.dtype(np.uint8) if series.dtype == np.bool_ else series.dtype
        self.chunk = self._chunk_size()
        decode = self._decode if self._offset is None else self._piece
        self._chunks = Chunks(self.name, self.size, self.chunk, self._samples, self.dtype, decode)
        self.pixel_size = _pixel_size(self._file, page)

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """See :meth:`~intarsia.data.rasters.raster.Raster.read`."""
        values = self._chunks.read(top, left, height, width)
        return values[:, :, : self.channels] if self._colors is None else np.take(self._colors, values[:, :, 0], axis=0)

    def valid(self, top: int, left: int, height: int, width: int) -> Bool[np.ndarray, "_height _width"] | None:
        """Where the alpha channel, if there is one, is not 0."""
        return self._chunks.read(top, left, height, width)[:, :, -1] > 0 if self._alpha else None

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._address, self)

    def close(self) -> None:
        """Close the file."""
        for each in (self._file, self._stream):
            if each is not None:
                each.close()

    def _chunk_size(self) -> tuple[int, int]:
        if self._offset is not None:
            return min(_PIECE[0], self.size[0]), min(_PIECE[1], self.size[1])
        rows, columns = self._keyframe.chunks[:2]
        size = (min(rows, self.size[0]) if not self._keyframe.is_tiled else rows, columns)
        if size[0] * size[1] * self._samples * self._keyframe.dtype.itemsize > _LARGEST_CHUNK:
            raise DataError(
                f"is compressed in pieces of {size[0]} × {size[1]} pixels, each to be decoded as a whole",
                where=self.name,
                remedy="Save it in tiles: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE -co BIGTIFF=YES IN OUT",
            )
        return size

    def _decode(self, row: int, column: int) -> np.ndarray:
        """The chunk of tiles or strips, [rows, columns, samples]."""
        if self._interleaved and self._keyframe.planarconfig == 1:
            return self._segment(self._pages[0], 0, row, column)
        planes = []
        for page in self._pages:
            for plane in range(self._samples // len(self._pages)):
                planes.append(self._segment(page, plane, row, column))
        return np.concatenate(planes, axis=2)

    def _segment(self, page: Any, plane: int, row: int, column: int) -> np.ndarray:
        rows, columns = (-(-length // step) for length, step in zip(self.size, self.chunk, strict=True))
        index = (plane * rows + row) * columns + column
        offset, count = (page.dataoffsets[index], page.databytecounts[index]) if page is not None else (0, 0)
        if not offset or not count:  # a tile that was left out because it is empty
            samples = self._samples if self._interleaved else 1
            return np.full((*self.chunk, samples), self._keyframe.nodata, self._chunks.dtype)
        tables = {}
        if self._keyframe.compression in (6, 7, 34892, 33007):  # kinds of JPEG
            tables = {"jpegtables": page.jpegtables, "jpegheader": self._keyframe.jpegheader}
        values: np.ndarray = self._keyframe.decode(self._bytes(offset, count), index, **tables)[0]
        segment: np.ndarray = values[0]
        return segment.astype(self._chunks.dtype, copy=False)

    def _piece(self, row: int, column: int) -> np.ndarray:
        """A piece of values that lie uncompressed row after row, [rows, columns, samples]."""
        assert self._offset is not None
        top, left = row * self.chunk[0], column * self.chunk[1]
        rows, columns = min(self.chunk[0], self.size[0] - top), min(self.chunk[1], self.size[1] - left)
        planes, samples = (1, self._samples) if self._interleaved else (self._samples, 1)
        stored = np.dtype(self._file.byteorder + self._chunks.dtype.char)
        unit = samples * stored.itemsize
        piece = np.empty((planes, rows, columns * samples), stored)
        for plane in range(planes):
            for y in range(rows):
                first = ((plane * self.size[0] + top + y) * self.size[1] + left) * unit
                piece[plane, y] = np.frombuffer(self._bytes(self._offset + first, columns * unit), stored)
        return np.moveaxis(piece.reshape(planes, rows, columns, samples), 0, 2).reshape(rows, columns, -1)

    def _bytes(self, offset: int, count: int) -> bytes:
        handle = self._file.filehandle
        with handle.lock:
            handle.seek(offset)
            content: bytes = handle.read(count)
        if len(content) < count:
            raise OSError("the file ends before it")
        return content


def _open(address: str | Path, stream: Any) -> Any:
    tifffile = required("tifffile", where=address)
    try:
        file = tifffile.TiffFile(address if stream is None else stream)
        file.filehandle.set_lock(True)
        assert file.series
    except OSError:
        raise
    except Exception as error:
        # Damaged headers are met with nearly every exception there is.
        raise DataError(
            f"is cut short or not a TIFF file ({error})", where=address, remedy="Fetch or export the file again"
        ) from error
    return file


def _contiguous(series: Any) -> int | None:
    """Where in the file the values begin, if they lie uncompressed one after the other."""
    if series.keyframe.is_tiled or series.dtype == np.bool_ or series.keyframe.bitspersample not in (8, 16):
        return None
    offset: int | None = series.dataoffset
    return offset


def _check(name: str, series: Any, axes: str) -> None:
    page = series.keyframe
    if axes not in _CHANNEL_AXES:
        shape = " × ".join(f"{length} {axis.lower()}" for axis, length in zip(axes, series.shape, strict=True))
        raise DataError(
            f"is a stack of pictures ({shape})", where=name, remedy="Save each of them as a picture of its own"
        )
    if series.dtype not in (np.bool_, np.uint8, np.uint16):
        raise DataError(
            f"holds {series.dtype} values, but pictures are uint8 or uint16",
            where=name,
            remedy="Rescale all pictures alike to 16 bits and save them again",
        )
    if page.photometric in _OTHER_COLORS:
        raise DataError(
            f"holds {_OTHER_COLORS[page.photometric]} colors", where=name, remedy="Convert it to RGB and save it again"
        )


def _palette(page: Any) -> Colors | None:
    if page.dtype == np.uint16:
        return None
    if page.photometric == _PALETTE and page.colormap is not None:
        return color_table((page.colormap >> 8).astype(np.uint8).T)
    inverted, bits = page.photometric == _MINISWHITE, page.bitspersample
    return bit_grays(bits, zero_is_white=inverted) if inverted or bits < 8 else None


def _pixel_size(file: Any, page: Any) -> tuple[float, float] | None:
    if file.is_ome:
        return _ome_pixel_size(file.ome_metadata)
    unit = (file.imagej_metadata or {}).get("unit") if file.is_imagej else {3: "cm"}.get(int(page.resolutionunit))
    # Without ImageJ's word inches are left alone: every program that knows nothing writes 72, 96 or 300 of them.
    resolution: Sequence[float] = page.resolution
    sizes = [in_micrometers(1 / each, unit) if each > 0 else None for each in reversed(resolution)]
    down, across = sizes
    return None if down is None or across is None else (down, across)


def _ome_pixel_size(xml: str) -> tuple[float, float] | None:
    from xml.etree import ElementTree

    pixels = next((each for each in ElementTree.fromstring(xml).iter() if each.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None
    sizes = [
        in_micrometers(float(pixels.get(f"PhysicalSize{axis}", "nan")), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "YX"
    ]
    down, across = sizes
    return None if down is None or across is None else (down, across)
