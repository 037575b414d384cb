"""Polygons from label rasters: exact, whole across blocks, and simplified without gaps or overlaps."""

from __future__ import annotations

import importlib
import tracemalloc
from typing import Any

import cc3d
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.features import rasterize, shapes

from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.vectors.rings import _order
from intarsia.data.vectors.trace import Region, trace_polygons
from intarsia.errors import DataError
from intarsia.types import LabelMap
from unit.data.vectors.vector_masks import LABELS, VOID, blobs, masks


def trace(mask: np.ndarray, **options: Any) -> list[Region]:
    return list(trace_polygons(ArrayRaster(mask), LABELS, **options))


def rasterized(regions: list[Region], mask: np.ndarray) -> np.ndarray:
    shown = [(region.polygon, region.class_id) for region in regions]
    if not shown:
        return np.full_like(mask, VOID)
    return np.asarray(rasterize(shown, mask.shape, fill=VOID, dtype=mask.dtype))


def number_of_regions(mask: np.ndarray) -> int:
    kinds = np.where(mask == VOID, 0, mask.astype(np.uint16) + 1).astype(np.uint16)
    return int(cc3d.connected_components(kinds, connectivity=4, return_N=True)[1])


@given(masks(), st.integers(1, 9))
def test_rasterized_again_polygons_are_the_raster(mask: np.ndarray, block: int) -> None:
    regions = trace(mask, block=block)
    polygons = [region.polygon for region in regions]
    np.testing.assert_array_equal(rasterized(regions, mask), mask)
    assert len(regions) == number_of_regions(mask)
    assert shapely.is_valid(polygons).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(polygons)).all()
    assert shapely.coverage_is_valid(polygons)
    assert sum(region.area for region in regions) == (mask != VOID).sum()


@given(masks(), st.integers(1, 9))
def test_blocks_leave_no_trace(mask: np.ndarray, block: int) -> None:
    whole, parts = trace(mask), trace(mask, block=block)
    assert [region.class_id for region in parts] == [region.class_id for region in whole]
    assert [region.polygon.wkb for region in parts] == [region.polygon.wkb for region in whole]


@given(masks((0, 1, 300, 65535), np.uint16))
def test_polygons_are_those_of_gdal(mask: np.ndarray) -> None:
    labels = LabelMap(("a", "b", "c", "d"), ids=(0, 1, 300, 65535))
    ours = [(r.class_id, shapely.normalize(r.polygon)) for r in trace_polygons(ArrayRaster(mask), labels)]
    theirs = [(int(value), shapely.normalize(shapely.geometry.shape(shape))) for shape, value in shapes(mask)]
    assert len(ours) == len(theirs)
    for class_id, polygon in ours:
        assert any(class_id == other and polygon.equals(theirs_) for other, theirs_ in theirs)


@given(masks(), st.sampled_from([0.5, 1.0, 3.0, 20.0]))
def test_simplified_polygons_neither_gap_nor_overlap(mask: np.ndarray, tolerance: float) -> None:
    polygons = np.array([region.polygon for region in trace(mask, simplify=tolerance)], object)
    assert len(polygons) == number_of_regions(mask)
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    together = shapely.union_all(polygons)
    assert shapely.area(polygons).sum() == pytest.approx(together.area)
    if VOID not in mask:
        assert together.geom_type == "Polygon"
        assert not together.interiors
        assert together.area >= mask.size - 4 * tolerance**2  # the corners of the picture


def test_simplifying_keeps_areas_and_leaves_few_points() -> None:
    mask = blobs()
    exact, simple = trace(mask), trace(mask, simplify=2.0)
    assert sum(region.area for region in simple) == pytest.approx(mask.size, abs=4)
    assert [region.class_id for region in simple] == [region.class_id for region in exact]
    for before, after in zip(exact, simple, strict=True):
        assert after.area == after.polygon.area
        assert after.area == pytest.approx(before.area, abs=0.7 * before.polygon.length)
    points = [shapely.get_num_coordinates([r.polygon for r in regions]).sum() for regions in (exact, simple)]
    assert points[1] < points[0] / 4
    assert (rasterized(simple, mask) == mask).mean() > 0.95


def test_a_region_that_touches_itself_is_one_valid_polygon() -> None:
    mask = np.array([[5, 5, 5], [5, 0, 5], [5, 5, 0]], np.uint8)
    (ring,) = [region.polygon for region in trace(mask, classes=["lung"])]
    assert ring.is_valid
    assert ring.area == 7
    assert len(ring.interiors) == 1


def test_neighbors_share_the_points_where_three_regions_meet() -> None:
    regions = trace(np.array([[0, 0], [5, 9]], np.uint8))
    assert (1.0, 1.0) in list(regions[0].polygon.exterior.coords)


def test_corners_too_far_apart_to_pack_are_sorted_too() -> None:
    far = 2**40
    keys = (np.array([far, 1, far, 1]), np.array([3, far, 2, 0]))
    assert _order(*keys).tolist() == [3, 1, 2, 0]
    assert _order(*(key % 7 for key in keys)).tolist() == [3, 1, 2, 0]


def test_what_is_left_out() -> None:
    mask = np.array([[0, 5, 9, 255, 7]], np.uint8)
    assert [region.class_id for region in trace(mask, void_id=7)] == [0, 5, 9]
    assert [region.class_id for region in trace(mask, void_id=7, classes=["heart", "lung"])] == [5, 9]
    valid = np.array([[True, False, True, True, False]])
    nodata = ArrayRaster(mask, valid=valid)
    assert [region.class_id for region in trace_polygons(nodata, LABELS)] == [0, 9]
    assert trace(np.full((3, 4), VOID, np.uint8)) == []
    assert trace(np.full((3, 4), VOID, np.uint8), simplify=1.0) == []
    assert [region.area for region in trace(np.array([[0, 5, 5]], np.uint8), least_area=2.0)] == [2]


class Tall(ArrayRaster):
    """A raster that repeats a tile downwards, of which no more than a window is ever in memory."""

    def __init__(self, tile: np.ndarray, height: int) -> None:
        super().__init__(tile)
        self.size = (height, tile.shape[1])

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        rows = np.arange(top, top + height) % self._array.shape[0]
        return self._array[rows, left : left + width]


def test_memory_does_not_grow_with_the_raster() -> None:
    tile = np.full((128, 512), VOID, np.uint8)
    tile[20:90, 10:500] = 5
    tile[40:60, 30:400] = 9
    peaks, counts = [], []
    for height in (1024, 1024, 16384):  # the first compiles
        tracemalloc.start()
        counts.append(sum(1 for _ in trace_polygons(Tall(tile, height), LABELS, block=256)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert counts[1:] == [16, 256]
    assert peaks[2] < 1.2 * peaks[1]


def test_a_region_of_many_strips_is_one() -> None:
    tile = np.full((128, 64), VOID, np.uint8)
    tile[:, 20:30], tile[50, 20:60] = 5, 5
    (comb,) = trace_polygons(Tall(tile, 4096), LABELS, block=100)
    assert comb.area == 4096 * 10 + 32 * 30
    assert shapely.get_num_coordinates(comb.polygon) == 4 + 32 * 4 + 1


def test_wrong_requests_are_refused() -> None:
    mask = np.zeros((2, 2), np.uint8)
    with pytest.raises(DataError, match=r"^classes: there is no class 'lnug'\. Did you mean 'lung'\.$"):
        trace(mask, classes=["lnug"])
    with pytest.raises(DataError, match=r"there is no class 'x'\. The classes are 0 background, 5 lung"):
        trace(mask, classes=["x"])
    with pytest.raises(DataError, match=r"^simplify: is -1\.0\. Give a measure in pixels, 0 or more\.$"):
        trace(mask, simplify=-1.0)
    with pytest.raises(DataError, match="least_area: is nan"):
        trace(mask, least_area=float("nan"))
    with pytest.raises(DataError, match=r"image: has 3 channels, where class ids have one\. Give the class ids"):
        trace(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DataError, match="image: holds the id 7, but the classes are 0 background"):
        trace(np.array([[0, 7]], np.uint8))


def test_without_shapely_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(DataError, match=r"needs the package shapely, .*pip install 'intarsia\[geo\]'"):
        trace(np.zeros((2, 2), np.uint8))
