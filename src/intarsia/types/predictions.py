"""What people receive: always at the original picture's size and orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64, UInt8, UInt16, UInt32

from intarsia.errors import DataError, ShapeError
from intarsia.types.label_map import LabelMap

Runs = UInt32[np.ndarray, "_runs"]
"""A binary mask as run lengths, column by column from the top left: background, object, background, …

They add up to height × width. A mask whose first pixel is of the object starts with a run of zero.
This is COCO's uncompressed run-length encoding; it keeps holes and parts that do not touch.
"""


@dataclass(frozen=True)
class SemanticMap:
    """One class a pixel.

    Args:
        class_ids: uint8 or uint16 [H, W], the ids of ``label_map`` (what a mask file holds, not network channels).
        label_map: what the ids mean.
        probabilities: float32 [K, H, W] in [0, 1], summing to 1 over K in the order of ``label_map``; only on request.
    """

    class_ids: UInt8[np.ndarray, "height width"] | UInt16[np.ndarray, "height width"]
    label_map: LabelMap
    probabilities: Float32[np.ndarray, "classes height width"] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.class_ids.shape
        return height, width

    def fractions(self) -> dict[str, float]:
        """The share of the picture each class covers, by name, in [0, 1]."""
        counts = np.bincount(self.class_ids.ravel(), minlength=max(self.label_map.ids) + 1)
        return {
            name: float(counts[i] / self.class_ids.size)
            for i, name in zip(self.label_map.ids, self.label_map.names, strict=True)
        }


@dataclass(frozen=True, eq=False)
class InstanceSet:
    """The objects of one picture, each with a mask of its own; masks may overlap.

    Args:
        masks: the N masks, run lengths of ``size`` (see :data:`Runs`).
        class_ids: int64 [N], the ids of a label map.
        size: height and width in pixels.
        scores: [N], the confidence in each object, higher is surer; None of a truth, or where nothing is known.
        crowd: bool [N], true for a region of many objects that were not outlined one by one; None when there is none.
        annotated_areas: float64 [N], the areas a file states, in pixels; None when it states none.

    Raises:
        ShapeError: lengths that differ, or a mask that does not cover ``size``.
    """

    masks: tuple[Runs, ...]
    class_ids: Int64[np.ndarray, "_objects"]
    size: tuple[int, int]
    scores: Float32[np.ndarray, "_objects"] | Float64[np.ndarray, "_objects"] | None = None
    crowd: Bool[np.ndarray, "_objects"] | None = None
    annotated_areas: Float64[np.ndarray, "_objects"] | None = None

    def __post_init__(self) -> None:
        height, width = self.size
        beside = (self.class_ids, self.scores, self.crowd, self.annotated_areas)
        lengths = {len(self.masks), *(len(each) for each in beside if each is not None)}
        if len(lengths) > 1:
            raise ShapeError(
                f"{len(self.masks)} masks come with {sorted(lengths - {len(self.masks)})} class ids, scores or flags",
                where="instances",
                remedy="Give one class id, and one score if any, for each mask",
            )
        pixels = [int(runs.sum(dtype=np.int64)) for runs in self.masks]
        wrong = next((index for index, count in enumerate(pixels) if count != height * width), None)
        if wrong is not None:
            raise ShapeError(
                f"mask {wrong} covers {pixels[wrong]} pixels, but the picture has {width}×{height}",
                where="instances",
                remedy="Give the masks at the picture's own size",
            )

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def areas(self) -> Float64[np.ndarray, "objects"]:
        """float64 [N]: the area of each object in pixels, as annotated, else as counted in its mask."""
        if self.annotated_areas is not None:
            return self.annotated_areas
        return np.array([runs[1::2].sum(dtype=np.int64) for runs in self.masks], np.float64)

    @property
    def is_crowd(self) -> Bool[np.ndarray, "objects"]:
        """bool [N]: which objects are crowd regions."""
        return np.zeros(len(self.masks), np.bool_) if self.crowd is None else self.crowd


@dataclass(frozen=True)
class Segment:
    """One entry of a :class:`PanopticMap`'s table.

    Args:
        id: its value in the map; never 0, which is void.
        class_id: the id of a label map.
        is_thing: true for a countable object, false for stuff, of which a picture has one segment a class.
        area: its pixels.
        is_crowd: true for a region of many objects that were not outlined one by one.
    """

    id: int
    class_id: int
    is_thing: bool
    area: int
    is_crowd: bool = False


@dataclass(frozen=True, eq=False)
class PanopticMap:
    """One segment a pixel: objects apart from each other, and regions of stuff.

    Args:
        segment_ids: uint32 or int32 [H, W], the ids of ``segments``; 0 where void.
        segments: the table.

    Raises:
        DataError: a table with an id twice, or with the id 0.
    """

    segment_ids: UInt32[np.ndarray, "height width"] | Int32[np.ndarray, "height width"]
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        ids = [segment.id for segment in self.segments]
        if 0 in ids or len(set(ids)) < len(ids):
            repeated = sorted({i for i in ids if ids.count(i) > 1})
            found = "is 0, which is void" if 0 in ids else f"{repeated[0]} stands for more than one segment"
            raise DataError(
                f"the segment id {found}", where="segment table", remedy="Give each segment a positive id of its own"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.segment_ids.shape
        return height, width
