"""GeoPackage: polygons in the raster's own coordinates, with an index, for QGIS and other programs for maps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.raster import GeoReference
from intarsia.data.vectors.features import Features, area_unit, hex_color, placed
from intarsia.data.vectors.trace import Region
from intarsia.errors import OutputError
from intarsia.types import LabelMap

_LAYER = "regions"
_FIELDS = ("class_id", "class_name", "color", "area", "area_unit")
_PIXELS = (
    'ENGCRS["pixels from the top left corner",EDATUM["top left corner"],CS[Cartesian,2],'
    'AXIS["column",east,ORDER[1]],AXIS["row",south,ORDER[2]],LENGTHUNIT["pixel",1]]'
)
_UNKNOWN = (
    'ENGCRS["unknown",EDATUM["unknown"],CS[Cartesian,2],'
    'AXIS["easting",east,ORDER[1]],AXIS["northing",north,ORDER[2]],LENGTHUNIT["unknown",1]]'
)
# The format wants the time of the last change; a fixed one makes equal content equal files.
_DATE = {"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"}


def write_geopackage(
    path: str | Path,
    regions: Iterable[Region],
    label_map: LabelMap,
    georeference: GeoReference | None = None,
    description: str = "",
) -> int:
    """Write regions as the layer ``regions`` while they come; the same regions give the same bytes.

    The coordinates are those of the raster's own system, or pixels, rows counted downwards, where it has none. The
    fields are those of :func:`~intarsia.data.vectors.geojson.write_geojson`. The time of the last change that the
    format wants is always the beginning of 1970.

    Args:
        path: the file (``.gpkg``), on the disk or at an address of fsspec.
        regions: in pixels, as :func:`~intarsia.data.vectors.trace.trace_polygons` gives them.
        label_map: the classes.
        georeference: of the raster.
        description: of the layer.

    Returns:
        How many features there are.

    Raises:
        DataError: shapely, pyogrio or rasterio is not installed.
        OutputError: the file cannot be written.
    """
    shapely, pyogrio = required("shapely", where=path), required("pyogrio", where=path)
    unit = area_unit(georeference, path)
    system = _PIXELS if georeference is None else georeference.crs or _UNKNOWN
    count = 0
    nothing = Features(np.empty(0, np.int64), np.empty(0, object), np.empty(0))  # makes the layer
    with delivered_file(path) as temporary, _gdal_errors(pyogrio, path), _fixed_date(pyogrio):
        temporary.unlink()  # GDAL makes the file, and takes an empty one for a damaged one
        for features in chain([nothing], placed(regions, georeference, shapely)):
            pyogrio.raw.write(
                str(temporary),
                shapely.to_wkb(shapely.orient_polygons(features.polygons)),
                _columns(features, label_map, unit),
                _FIELDS,
                layer=_LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                crs=system,
                append=features is not nothing,
                layer_options={"DESCRIPTION": description} if description and features is nothing else {},
            )
            count += len(features.class_ids)
    return count


def _columns(features: Features, label_map: LabelMap, unit: str) -> list[np.ndarray]:
    ids = features.class_ids.tolist()
    names = [label_map.names[label_map.ids.index(class_id)] for class_id in ids]
    colors = [hex_color(class_id, label_map) for class_id in ids]
    texts = [np.array(column, object) for column in (names, colors, [unit] * len(ids))]
    return [features.class_ids, *texts[:2], features.areas, texts[2]]


@contextlib.contextmanager
def _gdal_errors(pyogrio: Any, path: str | Path) -> Iterator[None]:
    try:
        yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise OutputError(
            f"could not be written ({' '.join(str(error).split()).rstrip('.')}); nothing was left half-written",
            where=path,
            remedy="Free some space or choose another folder, then run the same command again",
        ) from error


@contextlib.contextmanager
def _fixed_date(pyogrio: Any) -> Iterator[None]:
    before = {name: pyogrio.get_gdal_config_option(name) for name in _DATE}
    pyogrio.set_gdal_config_options(_DATE)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
