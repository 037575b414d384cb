"""Class boundaries, the distances to them and the bands along them, beside scipy and pictures small enough to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from intarsia.ops.boundary import class_bands, class_boundaries, squared_distance_within
from intarsia.types import IGNORE_INDEX

SIZES = array_shapes(min_dims=2, max_dims=2, max_side=12)
LABELS = arrays(np.int16, SIZES, elements=st.sampled_from([IGNORE_INDEX, 0, 0, 0, 1, 2]))
FEW_LABELS = arrays(np.int16, SIZES, elements=st.integers(0, 9).map(lambda draw: {0: IGNORE_INDEX, 1: 1}.get(draw, 0)))
MARKS = arrays(np.bool_, SIZES, elements=st.integers(0, 9).map(lambda draw: draw == 0))


def literal_boundaries(labels: np.ndarray, void: int) -> np.ndarray:
    """Each class's mask without its erosion by a cross; void and the outside erode nothing."""
    marked = np.zeros(labels.shape, bool)
    for label in set(labels.ravel().tolist()) - {void}:
        mask = labels == label
        marked |= mask & ~ndimage.binary_erosion(mask | (labels == void), border_value=1)
    return marked


def literal_bands(labels: np.ndarray, width: int, void: int) -> np.ndarray:
    """Each class's mask without what ``width`` erosions by a 3×3 square leave of it; the outside erodes."""
    marked = np.zeros(labels.shape, bool)
    for label in set(labels.ravel().tolist()) - {void}:
        mask = labels == label
        marked |= mask & ~ndimage.binary_erosion(mask | (labels == void), np.ones((3, 3)), iterations=width)
    return marked


def test_both_sides_of_a_border_are_boundary_and_the_frame_is_not() -> None:
    labels = np.array([[4, 4, 4, 7], [4, 4, 4, 7], [4, 4, 4, 4]], np.uint8)
    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    np.testing.assert_array_equal(class_boundaries(labels, None), np.array(expected, bool))


def test_void_makes_no_boundary_and_has_none() -> None:
    labels = np.array([[1, 1, 9, 2, 2], [1, 1, 1, 9, 2], [1, 1, 1, 2, 2]], np.uint8)
    expected = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 0]]
    np.testing.assert_array_equal(class_boundaries(labels, 9), np.array(expected, bool))


@given(LABELS)
def test_boundaries_equal_the_literal_ones_of_every_class(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(class_boundaries(labels), literal_boundaries(labels, IGNORE_INDEX))


def test_ids_of_any_dtype_and_layout_serve() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (9, 11))
    expected, bands = class_boundaries(labels, 2), class_bands(labels, 2, 2)
    for dtype in (np.uint8, np.uint16, np.int32):
        np.testing.assert_array_equal(class_boundaries(labels.astype(dtype), 2), expected)
        np.testing.assert_array_equal(class_bands(labels.astype(dtype), 2, 2), bands)
        np.testing.assert_array_equal(class_bands(np.asfortranarray(labels.astype(dtype)), 2, 2), bands)


@given(MARKS, st.integers(0, 20))
def test_near_a_boundary_the_squared_distance_is_exact_and_elsewhere_larger_than_the_reach(
    marked: np.ndarray, reach: int
) -> None:
    found = squared_distance_within(marked, reach)
    rows, columns = np.nonzero(marked)
    y, x = np.indices(marked.shape)[..., None]
    exact = ((y - rows) ** 2 + (x - columns) ** 2).min(axis=-1, initial=10**6)
    np.testing.assert_array_equal(found[exact <= reach**2], exact[exact <= reach**2])
    assert (found[exact > reach**2] > reach**2).all()


def test_a_long_reach_is_exact() -> None:
    marked = np.zeros((3, 1200), bool)
    marked[0, 0] = True
    assert squared_distance_within(np.asfortranarray(marked), 1200)[2, 1199] == 1199**2 + 2**2


@given(FEW_LABELS, st.integers(1, 5))
def test_bands_equal_erosion_by_squares(labels: np.ndarray, width: int) -> None:
    np.testing.assert_array_equal(class_bands(labels, width), literal_bands(labels, width, IGNORE_INDEX))


@given(LABELS)
def test_bands_of_many_small_regions_equal_erosion_by_squares(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(class_bands(labels, 1), literal_bands(labels, 1, IGNORE_INDEX))


@pytest.mark.parametrize("width", [1, 3, 10])
def test_the_frame_of_a_single_class_has_a_band(width: int) -> None:
    band = class_bands(np.zeros((30, 40), np.uint8), width, None)
    assert not band[width:-width, width:-width].any()
    assert band.sum() == 30 * 40 - (30 - 2 * width) * (40 - 2 * width)
