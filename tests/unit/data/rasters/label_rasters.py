"""Rasters of labels to write, some larger than memory should hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.raster import GeoReference
from intarsia.types import LabelMap

CLASSES = LabelMap(("sky & sea", "tree", "house"), ids=(0, 3, 7), ignore=255)

SIZES = [(1, 1), (1, 1300), (1300, 1), (512, 512), (513, 700), (1100, 1531)]


def labels(size: tuple[int, int], dtype: Any = np.uint8) -> np.ndarray:
    """Patches of ids."""
    random = np.random.default_rng(sum(size))
    patches = random.choice(np.asarray((0, 3, 7, 255), dtype), (size[0] // 9 + 1, size[1] // 9 + 1))
    return np.kron(patches, np.ones((9, 9), dtype))[: size[0], : size[1]].astype(dtype)


def placed(array: np.ndarray) -> ArrayRaster:
    """With a place on the ground and a pixel size."""
    from rasterio.crs import CRS

    reference = GeoReference(CRS.from_epsg(32632).to_wkt(), (10.0, 0.0, 500_000.0, 0.0, -20.0, 5_400_000.0))
    return ArrayRaster(array, georeference=reference, pixel_size=(0.5, 0.25))


@dataclass
class Stripes:
    """A raster that is computed where it is read: its size costs nothing."""

    size: tuple[int, int]
    name: str = "stripes"
    channels: int = 1
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.uint8))
    chunk: tuple[int, int] = (512, 512)
    georeference: GeoReference | None = None
    pixel_size: tuple[float, float] | None = None

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        rows, columns = np.arange(top, top + height)[:, None], np.arange(left, left + width)
        return ((rows // 37 + columns // 53) % 5).astype(np.uint8)[:, :, None]

    def valid(self, top: int, left: int, height: int, width: int) -> None:
        return None

    def identity(self) -> str:
        return self.name

    def close(self) -> None:
        return None
