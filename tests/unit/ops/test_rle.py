"""Run lengths: there and back, and equal to pycocotools'."""

from __future__ import annotations

import re
import reprlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as pycoco

from intarsia.errors import DataError
from intarsia.ops import rle
from intarsia.ops.rle import (
    coco_to_rle,
    ids_to_rles,
    mask_to_rle,
    polygons_to_rle,
    rle_area,
    rle_iou,
    rle_to_coco,
    rle_to_mask,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decode

SIZES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
masks = arrays.arrays(np.bool_, SIZES)
pairs = SIZES.flatmap(lambda size: st.tuples(*[st.lists(arrays.arrays(np.bool_, size), min_size=1, max_size=3)] * 2))


def encoded(mask: np.ndarray) -> dict[str, Any]:
    peer: dict[str, Any] = pycoco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return peer


@given(masks)
def test_masks_survive_every_form(mask: np.ndarray) -> None:
    runs = mask_to_rle(mask)
    np.testing.assert_array_equal(rle_to_mask(runs, mask.shape), mask)
    assert rle_area(runs) == mask.sum()
    compressed = rle_to_coco(runs, mask.shape)
    assert compressed == {"size": list(mask.shape), "counts": encoded(mask)["counts"].decode()}
    np.testing.assert_array_equal(coco_to_rle(compressed), runs)
    np.testing.assert_array_equal(coco_to_rle({**compressed, "counts": compressed["counts"].encode()}), runs)
    np.testing.assert_array_equal(coco_to_rle({**compressed, "counts": runs.tolist()}), runs)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9))
def test_runs_of_any_length_survive_compression(lengths: list[int]) -> None:
    characters = rle._to_characters(np.array(lengths, np.int64))
    runs, whole = rle._from_characters(characters)
    assert whole
    assert runs.tolist() == lengths


def test_the_coder_runs_alike_compiled_and_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = mask_to_rle(np.random.default_rng(0).random((20, 30)) < 0.3)
    compiled = rle_to_coco(runs, (20, 30))
    for name in ("_encode", "_decode"):
        monkeypatch.setattr(rle, name, getattr(getattr(rle, name), "py_func", getattr(rle, name)))
    assert rle_to_coco(runs, (20, 30)) == compiled
    np.testing.assert_array_equal(coco_to_rle(compiled), runs)


@given(pairs, st.booleans())
def test_iou_is_that_of_pycocotools(masks: tuple[list[np.ndarray], list[np.ndarray]], crowd: bool) -> None:
    first, second = masks
    flags = np.full(len(second), crowd)
    ours = [[mask_to_rle(mask) for mask in each] for each in masks]
    found = rle_iou(ours[0], ours[1], first[0].shape, flags)
    expected = pycoco.iou([encoded(mask) for mask in first], [encoded(mask) for mask in second], [crowd] * len(second))
    np.testing.assert_array_equal(found, expected)


def test_iou_of_nothing_has_no_entries() -> None:
    runs = mask_to_rle(np.ones((2, 2), np.bool_))
    assert rle_iou([], [runs], (2, 2)).shape == (0, 1)
    assert rle_iou([runs], [], (2, 2)).shape == (1, 0)
    assert rle_iou([runs], [runs], (2, 2)).tolist() == [[1.0]]


coordinates = st.floats(-3, 20).map(lambda value: round(value, 2))
polygons = st.lists(
    st.lists(coordinates, min_size=6, max_size=12).filter(lambda p: len(p) % 2 == 0), min_size=1, max_size=3
)


@given(polygons)
def test_polygons_are_filled_as_pycocotools_fills_them(listed: list[list[float]]) -> None:
    size = (14, 17)
    expected = pycoco.decode(pycoco.merge(pycoco.frPyObjects(listed, *size)))
    np.testing.assert_array_equal(rle_to_mask(polygons_to_rle(listed, size), size), expected.astype(bool))


@given(arrays.arrays(np.uint16, SIZES, elements=st.integers(0, 4)))
def test_id_masks_come_apart_into_their_objects(ids: np.ndarray) -> None:
    found, masks = ids_to_rles(ids)
    assert found == sorted(set(ids[ids > 0].tolist()))
    for number, runs in zip(found, masks, strict=True):
        np.testing.assert_array_equal(runs, mask_to_rle(ids == number))


@pytest.mark.parametrize(
    "damaged",
    [
        {"size": [2, 2], "counts": [1, 2]},
        {"size": [2, 2], "counts": [5, -1]},
        {"size": [2, 2], "counts": "~~"},
        {"size": [2, 2], "counts": "P"},  # says that more follows
        {"size": [2, 2], "counts": "PPPPPPPPPPPPPPPP"},
        {"size": [2], "counts": [4]},
        {"counts": [4]},
        {"size": [2, 2], "counts": "4é"},
        {"size": [2, 2], "counts": [[1, 2], [1]]},
        {"size": [2, 2], "counts": [1.9, 1.2, 2.5]},  # cut off, they would add up
        {"size": [2, 2], "counts": [3, True]},
        {"size": [2, 2], "counts": ["4"]},
        {"size": [2, 2], "counts": 4},
        {"size": [2, 2], "counts": [2**63 - 1, 2**63 - 1, 6]},  # comes round to 4 in 64 bits
        {"size": [2, 2], "counts": [10**30]},
        {"size": ["a", "b"], "counts": [4]},
        {"size": [2**17, 2**17], "counts": [2**34]},  # more than 32 bits hold
    ],
)
def test_damaged_runs_are_refused(damaged: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^here: the run lengths are damaged.*Export the mask again"):
        coco_to_rle(damaged, "here")


@pytest.mark.parametrize(
    ("listed", "found"),
    [([[1.0, 2, 3, 4]], "a polygon has 4 coordinates"), ([[0.0] * 7], "7 coordinates"), ([], "there is no polygon")],
)
def test_polygons_need_three_points(listed: list[list[float]], found: str) -> None:
    with pytest.raises(DataError, match=f"{found}.*three points or more"):
        polygons_to_rle(listed, (4, 4))


@pytest.mark.parametrize("coordinate", [float("nan"), float("inf"), 1e9, -1e9, 10**400, "a", "1", None, True, [1]])
def test_coordinates_are_numbers_near_the_picture(coordinate: Any) -> None:
    shown = re.escape(reprlib.repr(coordinate))
    message = rf"^here: a polygon has the coordinate {shown} in a picture of 6×4 pixels\. Give each polygon as x, y"
    with pytest.raises(DataError, match=message):
        polygons_to_rle([[0, 0, 3, 0, 3, 3], [0, 0, 3, coordinate, 3, 3]], (4, 6), "here")


def test_polygons_may_overshoot_the_picture() -> None:
    listed = [[-2.5, -1, 12, -1, 12, 9.5, -2.5, 9.5]]
    assert rle_area(polygons_to_rle(listed, (4, 6))) == 24


def test_no_pixels_hold_no_objects() -> None:
    assert ids_to_rles(np.zeros((0, 3), np.uint8)) == ids_to_rles(np.zeros((3, 0), np.uint8)) == ([], [])
