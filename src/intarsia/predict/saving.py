"""Results as files: which formats there are, what the files are called, and who writes them."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from intarsia.data.formats.decode import stem_of
from intarsia.data.formats.mask import write_mask
from intarsia.data.formats.provenance import NPZ_KEY, Provenance
from intarsia.data.formats.video import frame_of
from intarsia.data.parallel import Progress
from intarsia.data.rasters.addresses import Address, folder_of, name_of, within
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.cog import write_cog
from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import is_remote
from intarsia.data.rasters.ome_tiff import write_ome_tiff
from intarsia.data.rasters.ome_zarr import write_ome_zarr
from intarsia.data.rasters.raster import Raster
from intarsia.data.vectors.geojson import write_geojson
from intarsia.data.vectors.geopackage import write_geopackage
from intarsia.data.vectors.trace import trace_polygons
from intarsia.ops.overlay import background_index
from intarsia.predict.layers import Layer, void_id
from intarsia.types import LabelMap

Format = Literal["png", "tiff", "ome-tiff", "zarr", "npz", "geojson", "gpkg"]
FORMATS: tuple[Format, ...] = get_args(Format)

SUFFIXES: Mapping[Format, str] = {
    "png": ".png",
    "tiff": ".tif",
    "ome-tiff": ".ome.tif",
    "zarr": ".zarr",
    "npz": ".npz",
    "geojson": ".geojson",
    "gpkg": ".gpkg",
}
"""How the labels of each format are called."""

POLYGONS: tuple[Format, ...] = ("geojson", "gpkg")
"""The formats that hold the outlines of regions and no pixels."""

_LABELS = "class_ids"  # in a file of numpy's
_NEEDED: Mapping[Format, tuple[str, ...]] = {
    "ome-tiff": ("tifffile",),
    "zarr": ("zarr", "numcodecs"),
    "geojson": ("shapely",),
    "gpkg": ("shapely", "pyogrio", "rasterio"),
}
_OTHERS: Mapping[str, Format] = {".ome.tiff": "ome-tiff", ".tiff": "tiff"}

Result = Mapping[Layer, Raster | np.ndarray]
"""By layer, in memory (see :func:`~intarsia.predict.layers.finished`) or as blocks."""


def is_mask_file(path: Address) -> bool:
    """Whether an address is called like a file of one of the formats, and not like a folder."""
    return _named(path) is not None


def format_of(path: Address) -> Format:
    """What a file is to be by its name, for which :func:`is_mask_file` holds."""
    named = _named(path)
    assert named is not None, "the name says it"
    return named


def labels_file(folder: Address, picture: str, chosen: Format) -> Address:
    """What the labels of a picture are called, given its address."""
    *folders, stem = result_name(picture)
    return within(folder, *folders, f"{stem}{SUFFIXES[chosen]}")


def _named(path: Address) -> Format | None:
    endings = {**_OTHERS, **{suffix: name for name, suffix in SUFFIXES.items()}}
    longest_first = sorted(endings, key=len, reverse=True)
    return next((endings[suffix] for suffix in longest_first if name_of(path).lower().endswith(suffix)), None)


def written_in_blocks(layer: Layer, chosen: Format) -> bool:
    """Whether a layer goes to zarr, block by block: probabilities, where they do not go to a file of numpy's."""
    return layer == "probabilities" and chosen not in ("png", "npz")


def check_installed(chosen: Format, layers: Collection[Layer]) -> None:
    """That what writes a format is there, which is better known before anything is predicted.

    Raises:
        DataError: a package is not installed.
    """
    needed = [*_NEEDED.get(chosen, ())]
    if any(written_in_blocks(layer, chosen) for layer in layers):
        needed += _NEEDED["zarr"]
    for module in needed:
        required(module, where=f"--format {chosen}")


def layers_in(path: Path) -> set[str]:
    """The layers that a file of numpy's holds; none if it is damaged."""
    try:
        with np.load(path) as content:
            return {"labels" if name == _LABELS else name for name in content.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return set()


def result_name(address: str) -> tuple[str, ...]:
    """What the result of a picture is called, without an ending: ``("a",)``, of a frame ``("clip", "00007")``."""
    frame = frame_of(address)
    return (stem_of(name_of(address)),) if frame is None else (stem_of(name_of(frame[0])), f"{frame[1]:05}")


def layer_file(labels: Address, layer: Layer, chosen: Format) -> Address:
    """Where a layer goes: ``confidence/a.png`` of ``a.png``, so that a folder of masks holds nothing but masks.

    Probabilities are float16 [K, H, W], which no picture format holds: they go to ``probabilities/a.zarr``, or
    ``.npz`` beside PNG. Beside polygons lie Cloud Optimized GeoTIFFs.
    """
    if layer == "labels" or chosen == "npz":
        return labels
    suffix = SUFFIXES["tiff" if chosen in POLYGONS else chosen]
    if layer == "probabilities":
        suffix = ".zarr" if written_in_blocks(layer, chosen) else ".npz"
    return within(folder_of(labels), layer, f"{stem_of(name_of(labels))}{suffix}")


def save(
    result: Result,
    labels: Address,
    chosen: Format,
    label_map: LabelMap,
    *,
    provenance: Provenance | None = None,
    simplify: float = 0.0,
    progress: Progress | None = None,
) -> dict[Layer, Address]:
    """Write a result, the labels last: that they are there means that all of it is.

    Args:
        result: the rasters.
        labels: the file or, of zarr, the folder of the labels, on a disk or in a store; missing folders are made.
        chosen: the format.
        label_map: the classes.
        provenance: what predicted it, which masks are to name.
        simplify: of polygons, see :func:`~intarsia.data.vectors.trace.trace_polygons`.
        progress: told about each part of the labels, where a format is written part by part.

    Returns:
        Where each layer is.

    Raises:
        OutputError: a file cannot be written.
    """
    if chosen == "npz":
        _save_npz(result, labels, label_map, provenance)
        return dict.fromkeys(result, labels)
    written: dict[Layer, Address] = {}
    for layer, values in sorted(result.items(), key=lambda item: item[0] == "labels"):
        path = layer_file(labels, layer, chosen)
        if str(path).endswith(".npz"):
            _save_npz({layer: values}, path, label_map, provenance)
        elif chosen == "png":
            _save_png(_array(values), path, layer, label_map, provenance)
        elif layer == "labels" and chosen in POLYGONS:
            _save_polygons(_raster(values), path, label_map, provenance, simplify)
        else:
            _save_raster(_raster(values), path, layer, label_map, provenance, progress)
        written[layer] = path
    return written


def _save_png(values: np.ndarray, path: Address, layer: Layer, label_map: LabelMap, made: Provenance | None) -> None:
    if layer == "labels":
        void = void_id(label_map)
        known = replace(label_map, ignore=void) if (values == void).any() else label_map
        # What goes to the disk is written there whole or not at all by itself.
        with delivered_file(path) if is_remote(path) else nullcontext(path) as file:
            said = {} if made is None else {"model": made.model, "options": made.options}
            write_mask(file, values, known, **said)
        return
    with delivered_file(path) as temporary:
        Image.fromarray(values).save(temporary)


def _save_npz(result: Result, path: Address, label_map: LabelMap, made: Provenance | None) -> None:
    called = {"labels": _LABELS}
    with delivered_file(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            allow_pickle=False,
            ids=np.asarray(label_map.ids),
            names=np.asarray(label_map.names),
            **({} if made is None else {NPZ_KEY: np.asarray(made.describe())}),
            **{called.get(layer, layer): _array(values) for layer, values in result.items()},
        )


def _save_polygons(
    raster: Raster, path: Address, label_map: LabelMap, made: Provenance | None, simplify: float
) -> None:
    """All classes but a background, which would have every object for a hole."""
    behind = background_index(label_map)
    drawn = [name for index, name in enumerate(label_map.names) if index != behind]
    regions = trace_polygons(raster, label_map, classes=drawn, void_id=void_id(label_map), simplify=simplify)
    write = write_geojson if str(path).lower().endswith(SUFFIXES["geojson"]) else write_geopackage
    write(path, regions, label_map, raster.georeference, "" if made is None else f"labels {made.describe()}")


def _save_raster(
    raster: Raster,
    path: Address,
    layer: Layer,
    label_map: LabelMap,
    made: Provenance | None,
    progress: Progress | None,
) -> None:
    described = layer if made is None else f"{layer} {made.describe()}"
    classes = replace(label_map, ignore=void_id(label_map)) if layer == "labels" else None
    if str(path).endswith(".zarr"):
        write_ome_zarr(raster, path, label_map=classes, description=described, progress=progress)
    elif str(path).lower().endswith((".ome.tif", ".ome.tiff")):
        write_ome_tiff(raster, path, label_map=classes, description=described, progress=progress)
    else:
        nodata = classes.ignore if classes else None
        write_cog(raster, path, label_map=classes, nodata=nodata, description=described, progress=progress)


def _array(values: Raster | np.ndarray) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values
    whole = values.read(0, 0, *values.size)
    return whole[:, :, 0] if values.channels == 1 else np.ascontiguousarray(np.moveaxis(whole, -1, 0))


def _raster(values: Raster | np.ndarray) -> Raster:
    return ArrayRaster(values) if isinstance(values, np.ndarray) else values
