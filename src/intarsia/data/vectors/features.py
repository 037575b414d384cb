"""What polygon files have in common: regions in batches, placed on the ground, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from intarsia.data.rasters.extras import required
from intarsia.data.rasters.raster import GeoReference
from intarsia.data.vectors.trace import Region
from intarsia.types import LabelMap

_BATCH = 4096


@dataclass(frozen=True)
class Features:
    """Some regions, in the order in which they came.

    Args:
        class_ids: int64 [N].
        polygons: shapely polygons [N], in pixels, or in the system of a georeference.
        areas: float64 [N], in that unit squared, whatever the polygons' coordinates become later.
    """

    class_ids: Int64[np.ndarray, "_regions"]
    polygons: Shaped[np.ndarray, "_regions"]
    areas: Float64[np.ndarray, "_regions"]


def placed(regions: Iterable[Region], georeference: GeoReference | None, shapely: Any) -> Iterator[Features]:
    """Take regions some thousand at a time and put them in their place.

    Args:
        regions: as :func:`~intarsia.data.vectors.trace.trace_polygons` gives them.
        georeference: of the raster; None leaves them in pixels.
        shapely: the module.
    """
    iterator = iter(regions)
    while some := list(islice(iterator, _BATCH)):
        polygons = np.array([region.polygon for region in some], object)
        areas = np.array([region.area for region in some], np.float64)
        if georeference is not None:
            a, b, _, d, e, _ = georeference.transform
            polygons = shapely.transform(polygons, partial(_to_ground, georeference))
            areas *= abs(a * e - b * d)
        yield Features(np.array([region.class_id for region in some], np.int64), polygons, areas)


def _to_ground(georeference: GeoReference, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    a, b, c, d, e, f = georeference.transform
    x, y = points.T
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)


def area_unit(georeference: GeoReference | None, path: Any) -> str:
    """What the areas are in: ``pixel²``, or the square of the unit of the raster's system (``metre²``, ``degree²``).

    Args:
        georeference: of the raster.
        path: the file that is written, named when rasterio is not installed.
    """
    if georeference is None:
        return "pixel²"
    if not georeference.crs:
        return "unit²"
    required("rasterio", where=path)
    return f"{required('rasterio.crs', where=path).CRS.from_wkt(georeference.crs).units_factor[0]}²"


def hex_color(class_id: int, label_map: LabelMap) -> str:
    """The color of a class as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*label_map.colors[label_map.ids.index(class_id)])
