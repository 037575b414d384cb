"""The sizes of surface elements, against geometry and against the tables of DeepMind's surface-distance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surface_distance import lookup_tables

from intarsia.metrics.surface_elements import NO_CLASS, element_sizes, surface_elements

SPACINGS = [(1.0, 1.0, 1.0), (1.37, 0.91, 2.3), (5.0, 0.3, 0.7), (0.01, 100.0, 3.0)]


def their_codes(kernel: np.ndarray) -> list[int]:
    """Their code of the neighborhood that has each of our codes: both number the same pixels, in another order."""
    weights = kernel.ravel()  # plane, row, column, as our bits are ordered
    return [sum(int(weights[bit]) for bit in range(weights.size) if code >> bit & 1) for code in range(2**weights.size)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_area_is_that_of_surface_distance(spacing: tuple[float, float, float]) -> None:
    theirs = lookup_tables.create_table_neighbour_code_to_surface_area(spacing)
    codes = their_codes(lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL)
    np.testing.assert_allclose(element_sizes(spacing), theirs[codes], rtol=1e-12)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_length_is_that_of_surface_distance(spacing: tuple[float, float, float]) -> None:
    theirs = lookup_tables.create_table_neighbour_code_to_contour_length(spacing[1:])
    codes = their_codes(lookup_tables.ENCODE_NEIGHBOURHOOD_2D_KERNEL)
    np.testing.assert_allclose(element_sizes(spacing[1:]), theirs[codes], rtol=1e-12)


@pytest.mark.parametrize(
    ("code", "length"),
    [(0b0000, 0), (0b0001, 2.5), (0b0011, 4), (0b0101, 3), (0b0110, 5), (0b0111, 2.5), (0b1111, 0)],
)
def test_lengths_by_hand(code: int, length: float) -> None:
    assert element_sizes((3.0, 4.0))[code] == pytest.approx(length)


def test_a_single_voxel_is_an_octahedron() -> None:
    labels = np.full((3, 3, 3), NO_CLASS, np.int16)
    labels[1, 1, 1] = 0
    elements = surface_elements(labels, 1, (1.0, 1.0, 1.0))
    assert len(elements.sizes) == 8
    assert elements.sizes.sum() == pytest.approx(np.sqrt(3))  # of edge √½, 2·√3·edge²


def test_a_large_ball_has_the_area_of_one() -> None:
    grid = np.indices((60, 60, 60)) - 29.5
    labels = np.where((grid**2).sum(axis=0) <= 25**2, 0, NO_CLASS).astype(np.int16)
    area = surface_elements(labels, 1, (1.0, 1.0, 1.0)).sizes.sum()
    # Of all triangles that voxels allow only some directions exist, so the outline is a little too long.
    assert 1 < area / (4 * np.pi * 25**2) < 1.1


@pytest.mark.parametrize("spacing", [(2.0, 0.5), (2.0, 0.5, 1.5)])
@given(data=st.data())
def test_elements_equal_a_literal_search(spacing: tuple[float, ...], data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 4)) for _ in spacing)
    values = st.lists(st.integers(-1, 2), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    labels = np.array(data.draw(values), np.int16).reshape(shape)
    found = surface_elements(labels, 3, spacing)
    around = np.pad(labels, 1, constant_values=NO_CLASS)
    for index in range(3):
        corners, sizes = [], []
        for corner in itertools.product(*(range(size + 1) for size in shape)):
            block = around[tuple(slice(at, at + 2) for at in corner)].ravel() == index
            if block.any() and not block.all():
                corners.append((0,) * (3 - len(shape)) + corner)
                sizes.append(element_sizes(spacing)[int((block << np.arange(block.size)).sum())])
        ours = found.of_class(index)
        np.testing.assert_array_equal(ours[0], np.array(corners).reshape(-1, 3))
        np.testing.assert_array_equal(ours[1], sizes)
