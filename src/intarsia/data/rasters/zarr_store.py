"""Zarr arrays and OME-Zarr pictures, from a folder or any store fsspec reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.formats.image import ImageArray
from intarsia.data.rasters.chunks import Chunks
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import source_identity
from intarsia.data.rasters.physical import in_micrometers
from intarsia.data.rasters.raster import GeoReference
from intarsia.errors import DataError


class ZarrRaster:
    """An array of zarr format 2 or 3, or the largest level of an OME-Zarr picture (NGFF 0.1 to 0.5).

    Axes are taken from the metadata: OME's, dimension names of format 3, or xarray's. An array of three axes without
    any is [H, W, C] when its last axis is not longer than its first, and [C, H, W] otherwise. Axes of length 1 other
    than rows and columns are dropped.

    Args:
        address: a folder or any fsspec address.
        expand: whether what is true is 255; of a mask it is the id 1.

    Raises:
        DataError: zarr is not installed, there is no picture, it is a stack (z, t), or its values are not whole
            numbers of 8 or 16 bits.
    """

    georeference: GeoReference | None = None

    def __init__(self, address: str | Path, *, expand: bool = True) -> None:
        self.name = str(address)
        self._address = address
        self._expand = expand
        zarr = required("zarr", where=address)
        try:
            node = zarr.open(str(address), mode="r")
            array, axes, scale = _picture(node, self.name, zarr)
        except DataError:
            raise
        except Exception as error:
            # Stores and damaged metadata are met with nearly every exception there is.
            raise DataError(
                f"cannot be opened as zarr ({' '.join(str(error).split()) or type(error).__name__})",
                where=address,
                remedy="Give a zarr array or an OME-Zarr picture",
            ) from error
        self._array = array
        lengths = dict(zip(axes, array.shape, strict=True))
        stack = {axis: length for axis, length in lengths.items() if axis not in "yxc" and length > 1}
        if stack or "y" not in lengths or "x" not in lengths:
            shape = " × ".join(f"{length} {axis}" for axis, length in lengths.items())
            raise DataError(
                f"is a stack of pictures ({shape})", where=address, remedy="Save each of them as a picture of its own"
            )
        if array.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.bool_):
            raise DataError(
                f"holds {array.dtype} values, but pictures are uint8 or uint16",
                where=address,
                remedy="Rescale all pictures alike to 16 bits and save them again",
            )
        self._axes = axes
        self.size: tuple[int, int] = (lengths["y"], lengths["x"])
        self.channels: int = lengths.get("c", 1)
        self.dtype: np.dtype[Any] = np.dtype(np.uint16 if array.dtype.itemsize == 2 else np.uint8)
        steps = dict(zip(axes, array.chunks, strict=True))
        self.chunk: tuple[int, int] = (steps["y"], steps["x"])
        self.pixel_size = (scale["y"], scale["x"]) if {"y", "x"} <= scale.keys() else None
        self._chunks = Chunks(self.name, self.size, self.chunk, self.channels, self.dtype, self._decode)

    def read(self, top: int, left: int, height: int, width: int) -> ImageArray:
        """See :meth:`~intarsia.data.rasters.raster.Raster.read`; chunks that were never written hold the fill value."""
        return self._chunks.read(top, left, height, width)

    def valid(self, top: int, left: int, height: int, width: int) -> None:
        """Zarr knows no pixels without data."""

    def identity(self) -> str:
        """See :func:`~intarsia.data.rasters.identity.source_identity`."""
        return source_identity(self._address, self)

    def close(self) -> None:
        """There is nothing to close: chunks are opened one by one."""

    def _decode(self, row: int, column: int) -> np.ndarray:
        spans = {
            axis: slice(index * step, min((index + 1) * step, length))
            for axis, index, step, length in zip("yx", (row, column), self.chunk, self.size, strict=True)
        }
        every = slice(None)
        values = np.asarray(self._array[tuple(spans.get(axis, every if axis == "c" else 0) for axis in self._axes)])
        kept = [axis for axis in self._axes if axis in "yxc"]
        values = np.moveaxis(values, [kept.index(axis) for axis in "yxc" if axis in kept], range(values.ndim))
        full = 255 if values.dtype == np.bool_ and self._expand else 1
        return (values.reshape(*values.shape[:2], -1).astype(self.dtype) * full).astype(self.dtype, copy=False)


def _picture(node: Any, name: str, zarr: Any) -> tuple[Any, str, Mapping[str, float]]:
    """The array, the letter of each of its axes, and micrometers a pixel by axis."""
    if isinstance(node, zarr.Array):
        return node, _axes(node, name), {}
    attributes = dict(node.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if scales:
        image = scales[0]
        array = node[image["datasets"][0]["path"]]
        listed = image.get("axes") or "tczyx"[-array.ndim :]
        axes = [axis["name"] if isinstance(axis, Mapping) else axis for axis in listed]
        return array, "".join(axes), _scale(image, listed, axes)
    arrays = sorted(path for path, _ in node.arrays())
    if len(arrays) == 1:
        return node[arrays[0]], _axes(node[arrays[0]], name), {}
    found = f"is a zarr group of {len(arrays)} arrays" + (f" ({', '.join(arrays[:5])})" if arrays else "")
    raise DataError(found, where=name, remedy="Give the address of one array in it, or of an OME-Zarr picture")


def _axes(array: Any, name: str) -> str:
    given: Sequence[str | None] | None = array.attrs.get("_ARRAY_DIMENSIONS") or getattr(
        array.metadata, "dimension_names", None
    )
    if given and all(given):
        # xarray's names are words: band, lat, lon. What is neither down nor across counts as channel.
        words = {"y": "y", "x": "x", "lat": "y", "lon": "x", "row": "y", "col": "x", "band": "c", "channel": "c"}
        return "".join(words.get(str(axis).lower(), str(axis).lower()[:1]) for axis in given)
    if array.ndim == 2:
        return "yx"
    if array.ndim == 3:
        return "yxc" if array.shape[2] <= array.shape[0] else "cyx"
    raise DataError(
        f"has the shape {list(array.shape)} and does not name its axes",
        where=name,
        remedy="Give an array [H, W], [H, W, C] or [C, H, W]",
    )


def _scale(image: Mapping[str, Any], listed: Sequence[Any], axes: Sequence[str]) -> dict[str, float]:
    steps = image["datasets"][0].get("coordinateTransformations", ()), image.get("coordinateTransformations", ())
    sizes = dict.fromkeys(axes, 1.0)
    for step in (*steps[0], *steps[1]):
        if step.get("type") == "scale":
            sizes = {axis: sizes[axis] * factor for axis, factor in zip(axes, step["scale"], strict=True)}
    units = {axis["name"]: axis.get("unit") for axis in listed if isinstance(axis, Mapping)}
    known = {axis: in_micrometers(size, units.get(axis)) for axis, size in sizes.items()}
    return {axis: size for axis, size in known.items() if size is not None}
