"""Masks of another size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.ops.resize import resize_nearest


def test_enlarging_repeats_and_shrinking_picks_centers() -> None:
    mask = np.array([[1, 2], [3, 4]], np.uint16)
    np.testing.assert_array_equal(resize_nearest(mask, (2, 4)), [[1, 1, 2, 2], [3, 3, 4, 4]])
    np.testing.assert_array_equal(resize_nearest(np.arange(9, dtype=np.uint8).reshape(3, 3), (1, 1)), [[4]])
    assert resize_nearest(mask, (5, 7)).dtype == np.uint16


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_new_pixel_takes_the_old_one_its_center_lies_in(old: int, new: int) -> None:
    centers = [Fraction(2 * place + 1, 2) * Fraction(old, new) for place in range(new)]
    picked = resize_nearest(np.arange(old, dtype=np.uint16)[None], (1, new))[0]
    np.testing.assert_array_equal(picked, [int(center) for center in centers])


@pytest.mark.parametrize("size", [(7, 9), (12, 20), (3, 5), (24, 10)])
def test_torch_picks_the_same_pixels(size: tuple[int, int]) -> None:
    mask = np.arange(12 * 10, dtype=np.uint16).reshape(12, 10)
    as_float = torch.from_numpy(mask.astype(np.float64))[None, None]
    theirs = torch.nn.functional.interpolate(as_float, size=size, mode="nearest-exact")[0, 0]
    np.testing.assert_array_equal(resize_nearest(mask, size), theirs.numpy())
