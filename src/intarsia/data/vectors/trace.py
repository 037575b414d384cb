"""The regions of a label raster as polygons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int32

from intarsia.data.rasters.extras import required
from intarsia.data.rasters.raster import Raster
from intarsia.data.vectors.classes import indices_of
from intarsia.data.vectors.rings import corners_to_polygons
from intarsia.data.vectors.strips import Window, ended_regions
from intarsia.errors import DataError
from intarsia.types import LabelMap

_BLOCK = 1024  # a multiple of what most files compress together

_Drawn = tuple[np.ndarray, Int32[np.ndarray, "_regions"]]  # polygons, and the class of each


@dataclass(frozen=True, slots=True)
class Region:
    """One connected region of one class.

    Args:
        class_id: the id of a label map.
        polygon: a ``shapely.Polygon``, with its holes, in pixels: x to the right and y down from the top left corner of
            the top left pixel.
        area: of the polygon, in pixels.
    """

    class_id: int
    polygon: Any
    area: float


def trace_polygons(
    raster: Raster,
    label_map: LabelMap,
    *,
    classes: Sequence[str] | None = None,
    void_id: int | None = None,
    simplify: float = 0.0,
    least_area: float = 0.0,
    block: int = _BLOCK,
) -> Iterator[Region]:
    """Draw the 4-connected regions of a label raster, each as one polygon whatever blocks it was read in.

    Without ``simplify`` polygons follow the edges of pixels exactly, and rasterized again they are the raster; regions
    are handed on as soon as the reading has passed them. With it, all of them are held and simplified together
    (``shapely.coverage_simplify``: Visvalingam and Whyatt's algorithm, on each common border once), so that no gap or
    overlap comes up between neighbors. Either way neighbors have every point of a common border in common.

    Memory is that of one block, of the borders in a strip of blocks, and of the borders of all regions that are held:
    it grows with the number of corners (about 100 bytes each), not with the raster's area.

    Args:
        raster: uint8 or uint16 class ids, one channel. Where it holds no data, nothing is drawn.
        label_map: the classes; pixels of its ignore id are left out.
        classes: names of those to draw; None: all, including a background.
        void_id: a further id to leave out, of a class or none.
        simplify: about the square root of the area, in pixels, of the triangles that may be cut off; 0 for none.
            Outer borders are simplified too, and at a corner of the picture such a triangle may be lost.
        least_area: smaller regions, in pixels and before simplifying, are left out, and leave a hole.
        block: pixels a side of what is read at once; the result does not depend on it.

    Yields:
        The regions, by their last row, then by their first row and its first column.

    Raises:
        DataError: shapely is not installed, a name that is no class, a negative measure, a raster of colors, or an id
            that is no class.
    """
    shapely = required("shapely", where=raster.name)
    for name, value in (("simplify", simplify), ("least_area", least_area)):
        if not value >= 0:
            raise DataError(f"is {value}", where=name, remedy="Give a measure in pixels, 0 or more")
    if raster.channels != 1:
        raise DataError(
            f"has {raster.channels} channels, where class ids have one",
            where=raster.name,
            remedy="Give the class ids themselves, not their colors",
        )
    read = _class_reader(raster, label_map, label_map.names if classes is None else classes, void_id)
    drawn = (_large(corners, least_area, shapely) for corners in ended_regions(read, raster.size, block))
    return _regions(_simplified(drawn, simplify, shapely) if simplify else drawn, label_map, shapely)


def _regions(drawn: Iterable[_Drawn], label_map: LabelMap, shapely: Any) -> Iterator[Region]:
    for polygons, kinds in drawn:
        areas = shapely.area(polygons)
        for kind, polygon, area in zip(kinds.tolist(), polygons, areas.tolist(), strict=True):
            yield Region(label_map.ids[kind - 1], polygon, area)


def _large(corners: np.ndarray, least_area: float, shapely: Any) -> _Drawn:
    polygons, kinds = corners_to_polygons(corners, shapely)
    large = shapely.area(polygons) >= least_area
    return polygons[large], kinds[large]


def _simplified(drawn: Iterable[_Drawn], tolerance: float, shapely: Any) -> Iterator[_Drawn]:
    """All polygons at once: each of them may border on any other."""
    polygons, kinds = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    yield shapely.coverage_simplify(polygons, tolerance), kinds


def _class_reader(raster: Raster, label_map: LabelMap, classes: Sequence[str], void_id: int | None) -> Window:
    """What reads a window as 1 + the index of each pixel's class, and 0 where nothing is to be drawn."""
    unknown = label_map.num_classes + 1
    table = np.full(2**16, unknown, np.int32)
    table[list(label_map.ids)] = 0
    for index in indices_of(classes, label_map):
        table[label_map.ids[index]] = index + 1
    left_out = [value for value in (label_map.ignore, void_id) if value is not None]
    table[left_out] = 0

    def read(top: int, left: int, height: int, width: int) -> Int32[np.ndarray, "_height _width"]:
        values = raster.read(top, left, height, width)[:, :, 0]
        kinds: np.ndarray = table[values]
        valid = raster.valid(top, left, height, width)
        if valid is not None:
            kinds[~valid] = 0
        if kinds.max() == unknown:
            label_map.ids_to_indices(values[kinds == unknown], raster.name)  # which says so
        return kinds

    return read
