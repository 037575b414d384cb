"""What people receive refuses to contradict itself."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.errors import DataError, ShapeError
from intarsia.types import InstanceSet, PanopticMap, Segment

RING = np.array([5, 3, 1, 1, 1, 3, 2], np.uint32)  # a 4×4 picture; a ring of eight pixels, hole inside
ONE = np.array([1], np.int64)


def test_areas_are_counted_unless_annotated() -> None:
    counted = InstanceSet((RING,), ONE, (4, 4))
    assert counted.areas.tolist() == [7]
    assert counted.is_crowd.tolist() == [False]
    assert len(counted) == 1
    annotated = InstanceSet((RING,), ONE, (4, 4), crowd=np.array([True]), annotated_areas=np.array([7.5]))
    assert annotated.areas.tolist() == [7.5]
    assert annotated.is_crowd.tolist() == [True]


def test_no_objects_are_a_valid_set() -> None:
    nothing = InstanceSet((), np.zeros(0, np.int64), (4, 4))
    assert len(nothing) == 0
    assert nothing.areas.shape == nothing.is_crowd.shape == (0,)


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match=r"1 masks come with \[2\].*one class id, and one score if any, for each mask"):
        InstanceSet((RING,), ONE, (4, 4), scores=np.zeros(2))


def test_masks_must_cover_the_picture() -> None:
    with pytest.raises(ShapeError, match=r"mask 0 covers 16 pixels, but the picture has 5×4.*own size"):
        InstanceSet((RING,), ONE, (4, 5))


def segment(number: int) -> Segment:
    return Segment(id=number, class_id=1, is_thing=True, area=0)


def test_a_panoptic_map_has_its_size() -> None:
    assert PanopticMap(np.zeros((2, 3), np.uint32), (segment(1),)).size == (2, 3)


@pytest.mark.parametrize(
    ("ids", "message"), [((3, 0), "segment id is 0, which is void"), ((3, 7, 3), "3 stands for more than one segment")]
)
def test_segment_ids_are_positive_and_unique(ids: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=f"{message}.*a positive id of its own"):
        PanopticMap(np.zeros((2, 3), np.int32), tuple(map(segment, ids)))
