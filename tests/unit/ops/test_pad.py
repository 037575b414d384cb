from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.ops.pad import crop_to_size, pad_to_size, padded_size

_SIDES = st.integers(1, 40)
_STRIDES = st.sampled_from([1, 2, 4, 8, 32])


@given(_SIDES, _SIDES, _STRIDES, st.integers(1, 4))
def test_the_padded_size_is_the_smallest_that_divides_and_has_the_cells(
    height: int, width: int, stride: int, least_cells: int
) -> None:
    rows, columns = (side / stride for side in padded_size(height, width, stride, least_cells))
    assert rows.is_integer()
    assert columns.is_integer()
    assert rows * columns >= least_cells
    assert 0 <= rows * stride - height < stride
    fits_a_stride_less = (columns - 1) * stride >= width
    assert not (fits_a_stride_less and rows * (columns - 1) >= least_cells)


def test_a_single_coarsest_cell_becomes_two() -> None:
    assert padded_size(32, 32, 32, least_cells=2) == (32, 64)
    assert padded_size(32, 33, 32, least_cells=2) == (32, 64)
    assert padded_size(33, 1, 32, least_cells=2) == (64, 32)


def test_padding_repeats_the_last_row_and_column() -> None:
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    expected = torch.tensor([[1.0, 2, 2, 2], [3, 4, 4, 4], [3, 4, 4, 4]])[None, None]
    assert torch.equal(pad_to_size(image, 3, 4), expected)


def test_an_image_that_fits_is_returned_itself() -> None:
    image = torch.rand(1, 2, 4, 8)
    assert pad_to_size(image, 4, 8) is image


@given(_SIDES, _SIDES, _STRIDES)
def test_cropping_undoes_padding(height: int, width: int, stride: int) -> None:
    image = torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width)
    padded = pad_to_size(image, *padded_size(height, width, stride))
    assert torch.equal(crop_to_size(padded, height, width), image)
