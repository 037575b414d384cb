"""Masks as Cloud Optimized GeoTIFF."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from intarsia.data.parallel import Progress
from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.pyramid import TILE, SpooledLevel, spool_pyramid
from intarsia.data.rasters.raster import GeoReference, Raster
from intarsia.data.rasters.tiff_layout import Directory, write_tiff
from intarsia.data.rasters.tiff_tags import Tag, longs, read_tags, shorts, text
from intarsia.types import LabelMap

_DEFLATE, _GRAY, _PALETTE = 8, 1, 3
_GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)  # scale, tie points, matrix; keys with their numbers and texts
_IGNORE_COLOR = (255, 255, 255)


def write_cog(
    raster: Raster,
    path: str | Path,
    *,
    label_map: LabelMap | None = None,
    nodata: int | None = None,
    description: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a raster of labels as a Cloud Optimized GeoTIFF.

    512² tiles, deflate, with overviews by the most frequent label. It is a BigTIFF if it has to be. The same raster
    always gives the same bytes. The tiles, compressed, are on the disk twice while it is written.

    Args:
        raster: uint8 or uint16 with one channel. Its georeference is kept, which needs rasterio.
        path: the file to write, or a fsspec address.
        label_map: the classes: their colors make the palette of a uint8 mask, and their names are among the band's
            metadata as ``CLASS_<id>``.
        nodata: the value of pixels that hold no data.
        description: of the picture.
        progress: called after each 512² tile.

    Raises:
        OutputError: the file cannot be written.
        DataError: a part of the raster cannot be read, or rasterio is needed and not installed.
    """
    assert raster.channels == 1, "labels have one channel"
    shared = {277: shorts(1), 258: shorts(8 * raster.dtype.itemsize), 259: shorts(_DEFLATE), 262: shorts(_GRAY)}
    shared |= {284: shorts(1), 322: shorts(TILE), 323: shorts(TILE), 339: shorts(1)}
    if label_map is not None and raster.dtype == np.uint8:
        shared |= {262: shorts(_PALETTE), 320: _palette(label_map)}
    if nodata is not None:
        shared[42113] = text(str(nodata))
    first = {} if raster.georeference is None else _geo_tags(raster.georeference, path)
    if description is not None:
        first[270] = text(description)
    if label_map is not None:
        first[42112] = text(_metadata(label_map))
    with delivered_file(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as spool:
        levels = spool_pyramid(raster, spool, progress)
        directories = [
            _directory(level, shared | (first if index == 0 else {254: longs(1)})) for index, level in enumerate(levels)
        ]
        with temporary.open("wb") as stream:
            write_tiff(stream, directories, cloud_optimized=True)


def _directory(level: SpooledLevel, tags: dict[int, Tag]) -> Directory:
    height, width = level.size
    return Directory({**tags, 256: longs(width), 257: longs(height)}, level.counts, level.tiles())


def _palette(label_map: LabelMap) -> Tag:
    colors = np.zeros((256, 3), np.uint16)
    colors[list(label_map.ids)] = label_map.colors
    if label_map.ignore is not None:
        colors[label_map.ignore] = _IGNORE_COLOR
    return shorts(*(colors.T * 257).ravel().tolist())  # all reds, all greens, all blues, of 16 bits


def _metadata(label_map: LabelMap) -> str:
    """The names of the classes as GDAL keeps what TIFF has no tag for."""
    names = [(f"CLASS_{value}", name) for value, name in zip(label_map.ids, label_map.names, strict=True)]
    if label_map.ignore is not None:
        names.append((f"CLASS_{label_map.ignore}", "ignore"))
    # GDAL undoes the escapes twice: as XML, and once more as its own.
    items = "".join(f'  <Item name="{key}" sample="0">{escape(escape(name))}</Item>\n' for key, name in names)
    return f"<GDALMetadata>\n{items}</GDALMetadata>\n"


def _geo_tags(georeference: GeoReference, path: str | Path) -> dict[int, Tag]:
    """The tags GDAL itself writes for a place on the ground, taken from a picture of one pixel."""
    rasterio = required("rasterio", where=path)
    profile = {"driver": "GTiff", "width": 1, "height": 1, "count": 1, "dtype": "uint8", "ENDIANNESS": "LITTLE"}
    with rasterio.MemoryFile() as memory:
        transform = rasterio.Affine(*georeference.transform)
        with memory.open(**profile, crs=georeference.crs or None, transform=transform) as dataset:
            dataset.write(np.zeros((1, 1, 1), np.uint8))
        memory.seek(0)
        tags = read_tags(io.BytesIO(memory.read()))
    assert tags is not None
    return {code: tag for code, tag in tags.items() if code in _GEO_TAGS}
