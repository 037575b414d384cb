"""Masks and probabilities as OME-Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.parallel import Progress
from intarsia.data.rasters.delivery import delivered_folder
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.pyramid import TILE, level_sizes, pyramid
from intarsia.data.rasters.raster import Raster
from intarsia.types import LabelMap

_VERSION = "0.4"  # the version of NGFF that every viewer reads; 0.5 differs in being kept in zarr 3


def write_ome_zarr(
    raster: Raster,
    address: str | Path,
    *,
    label_map: LabelMap | None = None,
    description: str = "labels",
    progress: Progress | None = None,
) -> None:
    """Write a raster as OME-Zarr (NGFF 0.4, in zarr format 2).

    Labels become a picture with smaller versions of the most frequent label, and with the classes' colors and names as
    ``image-label``. Probabilities become one level, [K, H, W]. Chunks are 512² and compressed (zstd).

    Args:
        raster: labels, uint8 or uint16 with one channel; or probabilities, float16 with K channels. Its pixel size is
            kept.
        address: the folder to write, or a fsspec address.
        label_map: the classes.
        description: the name of the picture.
        progress: called after each 512² tile.

    Raises:
        OutputError: it cannot be written.
        DataError: a part of the raster cannot be read, or zarr is not installed.
    """
    zarr, numcodecs = required("zarr", where=address), required("numcodecs", where=address)
    labels = raster.dtype != np.float16
    assert raster.channels == 1 or not labels, "labels have one channel"
    sizes = level_sizes(raster.size) if labels else [raster.size]
    with delivered_folder(address) as folder:
        group = zarr.create_group(folder, zarr_format=2, attributes=_attributes(raster, sizes, label_map, description))
        arrays = [
            group.create_array(
                str(level),
                shape=size if labels else (raster.channels, *size),
                chunks=(TILE, TILE) if labels else (1, TILE, TILE),
                dtype=raster.dtype,
                compressors=numcodecs.Zstd(level=3),
                fill_value=0,
                chunk_key_encoding={"name": "v2", "separator": "/"},
            )
            for level, size in enumerate(sizes)
        ]
        if labels:
            for level, row, column, values in pyramid(raster, TILE, progress):
                arrays[level][_span(row, values.shape[0]), _span(column, values.shape[1])] = values
        else:
            _write_channels(raster, arrays[0], progress)


def _write_channels(raster: Raster, array: Any, progress: Progress | None) -> None:
    places = [(top, left) for top in range(0, raster.size[0], TILE) for left in range(0, raster.size[1], TILE)]
    for done, (top, left) in enumerate(places, start=1):
        height, width = min(TILE, raster.size[0] - top), min(TILE, raster.size[1] - left)
        values = raster.read(top, left, height, width)
        array[:, top : top + height, left : left + width] = np.moveaxis(values, -1, 0)
        if progress is not None:
            progress(done, len(places))


def _span(index: int, length: int) -> slice:
    return slice(index * TILE, index * TILE + length)


def _attributes(
    raster: Raster, sizes: list[tuple[int, int]], label_map: LabelMap | None, description: str
) -> dict[str, Any]:
    labels = raster.dtype != np.float16
    unit = {} if raster.pixel_size is None else {"unit": "micrometer"}
    axes = [{"name": name, "type": "space", **unit} for name in "yx"]
    down, across = raster.pixel_size or (1.0, 1.0)
    datasets = []
    for level in range(len(sizes)):
        scale = [down * 2**level, across * 2**level] if labels else [1.0, down, across]
        # A halved picture's first pixel lies in the middle of the four it is made of.
        shift = [down * (2**level - 1) / 2, across * (2**level - 1) / 2]
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        steps += [{"type": "translation", "translation": shift}] if level else []
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    image = {
        "version": _VERSION,
        "name": description,
        "axes": axes if labels else [{"name": "c", "type": "channel"}, *axes],
        "datasets": datasets,
    }
    attributes: dict[str, Any] = {"multiscales": [image | ({"type": "mode"} if labels else {})]}
    if label_map is None:
        return attributes
    classes = list(zip(label_map.ids, label_map.names, label_map.colors, strict=True))
    if labels:
        attributes["image-label"] = {
            "version": _VERSION,
            "colors": [{"label-value": value, "rgba": [*color, 255]} for value, _, color in classes],
            "properties": [{"label-value": value, "class": name} for value, name, _ in classes],
        }
    else:
        window = {"start": 0, "end": 1, "min": 0, "max": 1}
        attributes["omero"] = {
            "version": _VERSION,
            "channels": [
                {"label": name, "color": "{:02X}{:02X}{:02X}".format(*color), "active": True, "window": window}
                for _, name, color in classes
            ],
        }
    return attributes
