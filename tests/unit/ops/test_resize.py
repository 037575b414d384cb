"""Masks of another size."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.ops.resize import resize_nearest


def test_enlarging_repeats_and_shrinking_picks_centers() -> None:
    mask = np.array([[1, 2], [3, 4]], np.uint16)
    np.testing.assert_array_equal(resize_nearest(mask, (2, 4)), [[1, 1, 2, 2], [3, 3, 4, 4]])
    np.testing.assert_array_equal(resize_nearest(np.arange(9, dtype=np.uint8).reshape(3, 3), (1, 1)), [[4]])
    assert resize_nearest(mask, (5, 7)).dtype == np.uint16


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 30), st.integers(1, 30))
def test_torch_picks_the_same_pixels(height: int, width: int, rows: int, columns: int) -> None:
    mask = np.arange(height * width, dtype=np.uint16).reshape(height, width)
    as_float = torch.from_numpy(mask.astype(np.float64))[None, None]
    theirs = torch.nn.functional.interpolate(as_float, size=(rows, columns), mode="nearest-exact")[0, 0]
    np.testing.assert_array_equal(resize_nearest(mask, (rows, columns)), theirs.numpy())
