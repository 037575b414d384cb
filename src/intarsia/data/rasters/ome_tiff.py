"""Masks as pyramidal OME-TIFF, which microscopy programs open."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

from intarsia.data.parallel import Progress
from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.pyramid import TILE, spool_pyramid
from intarsia.data.rasters.raster import Raster
from intarsia.data.rasters.tiff_layout import CLASSIC_LIMIT
from intarsia.types import LabelMap

_HEADERS = 2**20  # bytes, beside the tiles and where they lie


def write_ome_tiff(
    raster: Raster,
    path: str | Path,
    *,
    label_map: LabelMap | None = None,
    description: str = "labels",
    progress: Progress | None = None,
) -> None:
    """Write a raster of labels as OME-TIFF (2016-06), its smaller versions as SubIFDs.

    512² tiles, deflate; smaller versions hold the most frequent label. It is a BigTIFF if it has to be. The same
    raster always gives the same bytes. The tiles, compressed, are on the disk twice while it is written.

    Args:
        raster: uint8 or uint16 with one channel; its pixel size is kept.
        path: the file to write, or a fsspec address.
        label_map: the classes, noted in the metadata as an annotation from id to name.
        description: the name of the picture and its channel.
        progress: called after each 512² tile.

    Raises:
        OutputError: the file cannot be written.
        DataError: a part of the raster cannot be read, or tifffile is not installed.
    """
    assert raster.channels == 1, "labels have one channel"
    tifffile = required("tifffile", where=path)
    with delivered_file(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as spool:
        levels = spool_pyramid(raster, spool, progress)
        size = sum(int(level.counts.sum()) + 24 * len(level.counts) for level in levels) + _HEADERS
        metadata = _metadata(raster, label_map, description)
        with tifffile.TiffWriter(temporary, bigtiff=size >= CLASSIC_LIMIT, ome=True, byteorder="<") as writer:
            for index, level in enumerate(levels):
                writer.write(
                    level.tiles(),
                    shape=level.size,
                    dtype=raster.dtype,
                    tile=(TILE, TILE),
                    compression="zlib",
                    photometric="minisblack",
                    subifds=len(levels) - 1 if index == 0 else None,
                    subfiletype=0 if index == 0 else 1,
                    metadata=metadata if index == 0 else None,
                    software=False,
                )


def _metadata(raster: Raster, label_map: LabelMap | None, description: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "YX", "Name": description, "Channel": {"Name": description}}
    metadata |= {"Creator": "Intarsia", "UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{description} {raster.size}"))}
    if raster.pixel_size is not None:
        down, across = raster.pixel_size
        metadata |= {"PhysicalSizeY": down, "PhysicalSizeYUnit": "µm"}
        metadata |= {"PhysicalSizeX": across, "PhysicalSizeXUnit": "µm"}
    if label_map is not None:
        names = {str(value): name for value, name in zip(label_map.ids, label_map.names, strict=True)}
        metadata["MapAnnotation"] = names
    return metadata
