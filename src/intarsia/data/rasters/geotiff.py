"""Whatever GDAL reads by window: GeoTIFF and COG first of all, from a disk, an archive or the web."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia.data.formats.image import ImageArray
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import is_remote, source_identity
from intarsia.data.rasters.palette import Colors, bit_grays, color_table
from intarsia.data.rasters.raster import GeoReference, undecodable
from intarsia.errors import DataError

_CACHE_BYTES = 64 * 2**20
# What GDAL opens by itself; other addresses go through fsspec.
_GDAL_SCHEMES = ("http", "https", "ftp", "s3", "gs", "az", "adls", "oss", "zip", "tar", "gzip", "file")
_COLOR_SYSTEMS = ("cyan", "hue", "Y")  # the first band of CMYK, HSL and YCbCr pictures

_warnings_lock = threading.Lock()


class GeoTiffRaster:
    """A picture read by rasterio.

    The decoded blocks GDAL keeps are limited to 64 MiB in the whole process, unless the environment variable
    ``GDAL_CACHEMAX`` says otherwise. Palettes and one-bit pictures are expanded as
    :func:`~intarsia.data.formats.image.read_image` does. Each thread that reads opens the file for itself.

    Args:
        address: a path, URL or anything else GDAL understands (``/vsizip/…``, ``GTIFF_DIR:2:…``).
        expand: whether palettes and pixels of a few bits are; of a mask they are not, whose stored values are its ids.

    Raises:
        DataError: rasterio is not installed, the file cannot be opened, holds several pictures, or its values are not
            whole numbers of 8 or 16 bits.
    """

    def __init__(self, address: str | Path, *, expand: bool = True) -> None:
        self.name = str(address)
        self._address = address
        self._rasterio = required("rasterio", where=address)
        if "GDAL_CACHEMAX" not in os.environ:
            required("rasterio.env", where=address).set_gdal_config("GDAL_CACHEMAX", _CACHE_BYTES)
        self._of_thread = threading.local()
        self._opened: list[Any] = []
        dataset = self._dataset()
        self.size: tuple[int, int] = (dataset.height, dataset.width)
        self._bands = self._color_bands(dataset, expand)
        self._colors = _palette(dataset, self._bands[0]) if expand else None
        self.dtype: np.dtype[Any] = np.dtype(dataset.dtypes[self._bands[0] - 1])
        self.channels = len(self._bands) if self._colors is None else self._colors.shape[1]
        self.chunk: tuple[int, int] = dataset.block_shapes[0]
        self.georeference = _georeference(dataset)
        self.pixel_size = _pixel_size(dataset)
        flags = {flag.name for band in self._bands for flag in dataset.mask_flag_enums[band - 1]}
        self._all_valid = flags == {"all_valid"}

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """See :meth:`~intarsia.data.rasters.raster.Raster.read`."""
        try:
            planes: np.ndarray = self._dataset().read(self._bands, window=self._window(top, left, height, width))
        except self._rasterio.errors.RasterioError as error:
            raise undecodable(self.name, (top, left, height, width), error) from error
        if self._colors is not None:
            colored: np.ndarray = np.take(self._colors, planes[0], axis=0)
            return colored
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))

    def valid(self, top: int, left: int, height: int, width: int) -> Bool[np.ndarray, "_height _width"] | None:
        """Where no alpha band, mask or nodata value says that there is nothing; one channel with data is enough."""
        if self._all_valid:
            return None
        try:
            mask: np.ndarray = self._dataset().dataset_mask(window=self._window(top, left, height, width))
        except self._rasterio.errors.RasterioError as error:
            raise undecodable(self.name, (top, left, height, width), error) from error
        return mask > 0

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._address, self)

    def close(self) -> None:
        """Close the file in every thread."""
        while self._opened:
            self._opened.pop().close()

    def _window(self, top: int, left: int, height: int, width: int) -> Any:
        return self._rasterio.windows.Window(left, top, width, height)

    def _dataset(self) -> Any:
        """The file as this thread has opened it: GDAL's datasets must not be shared."""
        dataset = getattr(self._of_thread, "dataset", None)
        if dataset is None:
            try:
                # The filters of warnings are the process's, hence the lock.
                with _warnings_lock, warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that there is no georeference
                    dataset = self._rasterio.open(_openable(self._address), sharing=False)
            except self._rasterio.errors.RasterioError as error:
                raise DataError(
                    f"cannot be opened ({' '.join(str(error).split())})",
                    where=self.name,
                    remedy="Give the path or address of a picture that GDAL reads",
                ) from error
            self._of_thread.dataset = dataset
            self._opened.append(dataset)
        return dataset

    def _color_bands(self, dataset: Any, expand: bool) -> list[int]:
        """The numbers, from 1, of the bands that are no alpha."""
        if dataset.count == 0 or dataset.subdatasets:
            raise _several_pictures(self.name, dataset.subdatasets)
        kinds = [kind.name for kind in dataset.colorinterp]
        if kinds[0] in _COLOR_SYSTEMS:
            raise DataError(
                "holds colors that are not red, green and blue",
                where=self.name,
                remedy="Convert it to RGB and save it again",
            )
        bands = [band for band, kind in zip(dataset.indexes, kinds, strict=True) if kind != "alpha"]
        dtypes = sorted({dataset.dtypes[band - 1] for band in bands or dataset.indexes})
        if not bands or len(dtypes) > 1 or dtypes[0] not in ("uint8", "uint16"):
            raise DataError(
                f"holds {' and '.join(dtypes)} values, but pictures are uint8 or uint16",
                where=self.name,
                remedy="Scale all pictures alike, with 0 for pixels without data: gdal_translate -ot UInt16 "
                "-scale LOW HIGH 1 65535 -a_nodata 0 IN OUT"
                if expand
                else "Save the class ids as whole numbers of 8 or 16 bits: gdal_translate -ot UInt16 IN OUT",
            )
        return bands


def _several_pictures(name: str, pictures: Sequence[str]) -> DataError:
    listed = ", ".join(pictures[:3]) + (", …" if len(pictures) > 3 else "")
    return DataError(
        f"holds {len(pictures)} pictures or pages, and it is not said which one is meant",
        where=name,
        remedy=f"Name one of them: {listed}",
    )


def _openable(address: str | Path) -> Any:
    if not is_remote(address) or str(address).split("://")[0].split("+")[-1] in _GDAL_SCHEMES:
        return address
    import fsspec

    return fsspec.open(address)


def _palette(dataset: Any, band: int) -> Colors | None:
    if dataset.colorinterp[band - 1].name == "palette":
        colors = np.zeros((256, 3), np.uint8)
        for value, color in dataset.colormap(band).items():
            colors[value] = color[:3]
        return color_table(colors)
    bits = int(dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", 8))
    return bit_grays(bits) if bits < 8 else None


def _georeference(dataset: Any) -> GeoReference | None:
    if dataset.crs is None and dataset.transform.is_identity:
        return None
    a, b, c, d, e, f = dataset.transform[:6]
    return GeoReference("" if dataset.crs is None else dataset.crs.to_wkt(), (a, b, c, d, e, f))


def _pixel_size(dataset: Any) -> tuple[float, float] | None:
    """Micrometers down and across, where the coordinates are lengths and not angles."""
    if dataset.crs is None or not dataset.crs.is_projected:
        return None
    _, meters = dataset.crs.linear_units_factor
    a, b, _, d, e, _ = dataset.transform[:6]
    return hypot(b, e) * meters * 1e6, hypot(a, d) * meters * 1e6
