"""GeoJSON and GeoPackage: read back by other programs with the same regions, classes and places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.transform import Affine

from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.raster import GeoReference
from intarsia.data.vectors.geojson import write_geojson
from intarsia.data.vectors.geopackage import write_geopackage
from intarsia.data.vectors.trace import Region, trace_polygons
from intarsia.errors import DataError, OutputError
from unit.data.vectors.vector_masks import LABELS, blobs

UTM = GeoReference(CRS.from_epsg(32632).to_wkt(), (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_400_000.0))
MASK = blobs((48, 64))
Writer = Callable[..., int]
WRITERS = pytest.mark.parametrize(("write", "suffix"), [(write_geojson, ".geojson"), (write_geopackage, ".gpkg")])


def regions(simplify: float = 0.0) -> Iterator[Region]:
    return trace_polygons(ArrayRaster(MASK), LABELS, simplify=simplify)


def read_gpkg(path: Path) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    meta, _, geometry, columns = pyogrio.raw.read(path)
    return meta, shapely.from_wkb(geometry), dict(zip(meta["fields"], columns, strict=True))


def test_geojson_in_pixels_is_what_qupath_reads(tmp_path: Path) -> None:
    path = tmp_path / "cells.geojson"
    count = write_geojson(path, regions(), LABELS)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["type"] == "FeatureCollection"
    assert len(content["features"]) == count > 5
    shown = []
    for feature in content["features"]:
        said, polygon = feature["properties"], shapely.geometry.shape(feature["geometry"])
        index = LABELS.ids.index(said["class_id"])
        color = LABELS.colors[index]
        assert said["class_name"] == LABELS.names[index]
        assert said["color"] == "#{:02x}{:02x}{:02x}".format(*color)
        assert said["classification"] == {"name": LABELS.names[index], "color": list(color)}
        assert said["objectType"] == "annotation"
        assert (said["area"], said["area_unit"]) == (polygon.area, "pixel²")
        shown.append((polygon, said["class_id"]))
    np.testing.assert_array_equal(rasterize(shown, MASK.shape, dtype="uint8"), MASK)


def test_geojson_on_the_ground_is_longitude_and_latitude(tmp_path: Path) -> None:
    path = tmp_path / "fields.geojson"
    write_geojson(path, regions(simplify=1.0), LABELS, UTM)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    polygons = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], object)
    west, south, east, north = shapely.total_bounds(polygons)
    # 500 000 m east is the zone's central meridian; 5 400 000 m north is 48.75° (a degree is 111.2 km there).
    assert west == pytest.approx(9.0, abs=1e-6)
    assert north == pytest.approx(48.7534, abs=1e-3)
    assert (north - south) * 111.2e3 == pytest.approx(480, rel=0.01)
    assert (east - west) * 111.3e3 * np.cos(np.radians(48.75)) == pytest.approx(640, rel=0.01)
    assert shapely.is_ccw(shapely.get_exterior_ring(polygons)).all()
    assert shapely.coverage_is_valid(polygons)
    assert {feature["properties"]["area_unit"] for feature in features} == {"metre²"}
    assert sum(feature["properties"]["area"] for feature in features) == pytest.approx(MASK.size * 100, rel=0.01)
    assert "classification" not in features[0]["properties"]


def test_geopackage_keeps_the_system_of_the_raster(tmp_path: Path) -> None:
    path = tmp_path / "fields.gpkg"
    count = write_geopackage(path, regions(), LABELS, UTM)
    meta, polygons, fields = read_gpkg(path)
    assert CRS.from_user_input(meta["crs"]).to_epsg() == 32632
    assert len(polygons) == count
    back = rasterize(
        zip(polygons, fields["class_id"].tolist(), strict=True),
        MASK.shape,
        dtype="uint8",
        transform=Affine(*UTM.transform),
    )
    np.testing.assert_array_equal(back, MASK)
    np.testing.assert_allclose(fields["area"], shapely.area(polygons))
    assert set(fields["area_unit"]) == {"metre²"}
    assert set(zip(fields["class_id"].tolist(), fields["class_name"], strict=True)) == {
        (0, "background"),
        (5, "lung"),
        (9, "heart"),
    }
    assert fields["color"][fields["class_id"] == 0][0] == "#000000"


def test_geopackage_without_a_place_holds_pixels(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "a.gpkg", regions(), LABELS)
    meta, polygons, fields = read_gpkg(tmp_path / "a.gpkg")
    assert "pixels from the top left corner" in meta["crs"]
    assert shapely.total_bounds(polygons).tolist() == [0, 0, 64, 48]
    assert set(fields["area_unit"]) == {"pixel²"}
    write_geopackage(tmp_path / "b.gpkg", regions(), LABELS, GeoReference("", UTM.transform))
    meta, polygons, fields = read_gpkg(tmp_path / "b.gpkg")
    assert shapely.total_bounds(polygons).tolist() == [500_000, 5_399_520, 500_640, 5_400_000]
    assert set(fields["area_unit"]) == {"unit²"}


@WRITERS
@pytest.mark.parametrize("place", [None, UTM])
def test_equal_regions_are_equal_files(
    write: Writer, suffix: str, place: GeoReference | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write(path, regions(), LABELS, place)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    monkeypatch.setattr("intarsia.data.vectors.features._BATCH", 3)  # batch after batch
    assert write(paths[0], regions(), LABELS, place) > 3
    if suffix == ".geojson":
        assert paths[0].read_bytes() == paths[1].read_bytes()
    else:
        before, after = (read_gpkg(path)[1] for path in paths)
        assert (before == after).all()


@WRITERS
def test_no_region_is_a_whole_file(write: Writer, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"empty{suffix}"
    assert write(path, iter(()), LABELS) == 0
    assert pyogrio.read_info(path)["features"] == 0


@WRITERS
def test_nothing_is_half_written(write: Writer, suffix: str, tmp_path: Path) -> None:
    def breaks() -> Iterator[Region]:
        yield from regions()
        raise DataError("is cut short", where="mask.tif", remedy="Fetch it again")

    path = tmp_path / f"old{suffix}"
    path.write_text("what was there before")
    with pytest.raises(DataError, match="cut short"):
        write(path, breaks(), LABELS)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "what was there before"
    with pytest.raises(OutputError, match=r"because it would lie inside a file\. Name another folder"):
        write(path / f"inside{suffix}", regions(), LABELS)


def test_a_full_disk_under_gdal_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise pyogrio.errors.DataSourceError("database or disk\nis full.")

    monkeypatch.setattr(pyogrio.raw, "write", full)
    with pytest.raises(OutputError, match=r"a\.gpkg: could not be written \(database or disk is full\); nothing"):
        write_geopackage(tmp_path / "a.gpkg", regions(), LABELS)
    assert not list(tmp_path.iterdir())


def test_places_that_have_no_longitude_and_latitude(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    with pytest.raises(DataError, match=r"not in which coordinate reference system\. Write a GeoPackage"):
        write_geojson(path, regions(), LABELS, GeoReference("", UTM.transform))
    across = GeoReference(CRS.from_epsg(32601).to_wkt(), (10_000.0, 0.0, 0.0, 0.0, -10_000.0, 5_400_000.0))
    with pytest.raises(DataError, match=r"crosses the 180th meridian.* Write a GeoPackage"):
        write_geojson(path, regions(), LABELS, across)
    for system, origin in ((CRS.from_epsg(32632).to_wkt(), 1e9), ('LOCAL_CS["x",UNIT["metre",1]]', 0.0)):
        place = GeoReference(system, (1.0, 0.0, origin, 0.0, -1.0, origin))
        with pytest.raises(DataError, match=r"cannot be turned into longitude and latitude \(.*\)\. Write a GeoPack"):
            write_geojson(path, regions(), LABELS, place)
    assert not list(tmp_path.iterdir())
