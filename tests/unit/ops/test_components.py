"""Connected pieces against scipy's, class by class."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from intarsia.ops.components import connected_components

SQUARE = {4: ndimage.generate_binary_structure(2, 1), 8: ndimage.generate_binary_structure(2, 2)}


@given(
    seed=st.integers(0, 2**32),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    connectivity=st.sampled_from([4, 8]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int16, np.int64]),
)
def test_equals_scipy_for_each_label(
    seed: int, height: int, width: int, connectivity: Literal[4, 8], dtype: type[np.integer]
) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, (height, width)).astype(dtype)
    pieces, count = connected_components(labels, connectivity)
    assert ((pieces == 0) == (labels == 0)).all()
    expected = 0
    for label in (1, 2, 3):
        theirs, found = ndimage.label(labels == label, SQUARE[connectivity])
        for piece in range(1, found + 1):
            inside = theirs == piece
            assert len(set(pieces[inside].tolist())) == 1
            assert np.array_equal(pieces == pieces[inside][0], inside)
        expected += found
    assert count == expected == pieces.max()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1)])
def test_empty_and_single(shape: tuple[int, int]) -> None:
    pieces, count = connected_components(np.zeros(shape, np.uint8))
    assert pieces.shape == shape
    assert pieces.dtype == np.uint32
    assert count == 0


def test_any_layout_and_read_only() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (20, 30), dtype=np.uint8)
    expected, _ = connected_components(labels)
    frozen = labels.copy()
    frozen.flags.writeable = False
    for given_ in (np.asfortranarray(labels), labels[::-1].copy()[::-1], frozen):
        np.testing.assert_array_equal(connected_components(given_)[0], expected)
    assert not frozen.flags.writeable
