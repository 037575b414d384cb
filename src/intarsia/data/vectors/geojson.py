"""GeoJSON (RFC 7946): polygons on the ground for maps, or in pixels for QuPath and others that show the picture."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.raster import GeoReference
from intarsia.data.vectors.features import area_unit, hex_color, placed
from intarsia.data.vectors.trace import Region
from intarsia.errors import DataError
from intarsia.types import LabelMap

_DECIMALS = 9  # of a degree: a tenth of a millimeter
_HALF_WORLD = 180.0
_LONGEST = 80  # characters of GDAL's reason
_OTHER_FORMAT = "Write a GeoPackage (.gpkg), which keeps the raster's own coordinates"


def write_geojson(
    path: str | Path,
    regions: Iterable[Region],
    label_map: LabelMap,
    georeference: GeoReference | None = None,
    description: str = "",
) -> int:
    """Write regions as features, one a line, while they come; the same regions give the same bytes.

    With a georeference the coordinates are longitude and latitude in WGS 84, as the RFC wants it: each point is
    reprojected, which neighbors have in common, so that no gap comes up; straight edges stay straight, for they are a
    few pixels long. Without one they are pixels, and each feature is an annotation to QuPath, with its class.

    The properties are ``class_id``, ``class_name``, ``color`` (#rrggbb), ``area`` and ``area_unit``: of pixels, or of
    the raster's own system, in which it was taken.

    Args:
        path: the file, on the disk or at an address of fsspec.
        regions: in pixels, as :func:`~intarsia.data.vectors.trace.trace_polygons` gives them.
        label_map: the classes.
        georeference: of the raster.
        description: of the whole file.

    Returns:
        How many features there are.

    Raises:
        DataError: shapely or rasterio is not installed, or the place cannot be given in longitude and latitude.
        OutputError: the file cannot be written.
    """
    shapely = required("shapely", where=path)
    unit = area_unit(georeference, path)
    of_class = {class_id: _properties(class_id, label_map, georeference is None) for class_id in label_map.ids}
    count = 0
    with delivered_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        said_of_all = f'"description": {json.dumps(description, ensure_ascii=False)}, ' if description else ""
        stream.write(f'{{"type": "FeatureCollection", {said_of_all}"features": [')
        for features in placed(regions, georeference, shapely):
            polygons = features.polygons
            if georeference is not None:
                polygons = _to_degrees(polygons, georeference, path, shapely)
            geometries = shapely.to_geojson(polygons)
            for class_id, area, geometry in zip(features.class_ids.tolist(), features.areas, geometries, strict=True):
                said = of_class[class_id] | {"area": float(area), "area_unit": unit}
                properties = json.dumps(said, ensure_ascii=False)
                separator = ",\n" if count else "\n"
                stream.write(f'{separator}{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}')
                count += 1
        stream.write("\n]}\n")
    return count


def check_place(georeference: GeoReference | None, path: str | Path) -> None:
    """That a place can be given in longitude and latitude, as far as it is known before anything is drawn.

    Raises:
        DataError: it does not name its coordinate reference system.
    """
    if georeference is not None and not georeference.crs:
        found = "the raster says where it lies, but not in which coordinate reference system"
        raise DataError(found, where=path, remedy=_OTHER_FORMAT)


def _properties(class_id: int, label_map: LabelMap, in_pixels: bool) -> dict[str, Any]:
    index = label_map.ids.index(class_id)
    name, color = label_map.names[index], label_map.colors[index]
    said: dict[str, Any] = {"class_id": class_id, "class_name": name, "color": hex_color(class_id, label_map)}
    if in_pixels:
        said |= {"objectType": "annotation", "classification": {"name": name, "color": list(color)}}
    return said


def _to_degrees(polygons: np.ndarray, georeference: GeoReference, path: str | Path, shapely: Any) -> np.ndarray:
    """Longitude and latitude, rings counterclockwise."""
    check_place(georeference, path)
    required("rasterio", where=path)
    system = required("rasterio.crs", where=path).CRS.from_wkt(georeference.crs)
    warp, gdal = required("rasterio.warp", where=path), required("rasterio._err", where=path)

    def reproject(points: np.ndarray) -> np.ndarray:
        return np.stack(warp.transform(system, "OGC:CRS84", points[:, 0], points[:, 1]), axis=1).round(_DECIMALS)

    try:
        degrees: np.ndarray = shapely.orient_polygons(shapely.transform(polygons, reproject))
    except gdal.CPLE_BaseError as error:  # what warp.transform raises, of which rasterio.errors has no name
        reason = " ".join(str(error).split())[:_LONGEST]
        found = f"the raster's coordinates cannot be turned into longitude and latitude ({reason})"
        raise DataError(found, where=path, remedy=_OTHER_FORMAT) from error
    west, _, east, _ = shapely.bounds(degrees).T
    if not (east - west <= _HALF_WORLD).all():
        found = "a region crosses the 180th meridian, where longitude jumps"
        raise DataError(found, where=path, remedy=_OTHER_FORMAT)
    return degrees
