import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import DataError
from intarsia.ops.prepare import fit_channels, normalize, shrink, shrunk_size, to_unit_range
from intarsia.types import ImageSpec

GRAY = ImageSpec(channels=1, bit_depth=8, mean=(0.5,), std=(0.25,))
RGB = ImageSpec(channels=3, bit_depth=8, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))


def test_gray_is_repeated_for_a_color_network() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    fitted = fit_channels(image, RGB)
    assert fitted.shape == (2, 3, 3)
    assert (fitted == image).all()


def test_color_without_color_becomes_gray() -> None:
    image = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), 3, axis=2)
    assert fit_channels(image, GRAY).shape == (2, 3, 1)


def test_color_is_refused_by_a_gray_network() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    image[0, 0, 1] = 1
    with pytest.raises(DataError, match=r"a\.png: has 3 channels, but 1 is expected\. Convert it"):
        fit_channels(image, GRAY, where="a.png")


def test_other_bit_depth_is_refused() -> None:
    with pytest.raises(DataError, match=r"has 16 bits a channel, but 8 are expected\. Save it with 8 bits"):
        fit_channels(np.zeros((2, 2, 1), dtype=np.uint16), GRAY)


@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16)])
def test_the_largest_value_becomes_one(dtype: type, depth: int) -> None:
    spec = ImageSpec(channels=1, bit_depth=depth, mean=(0.0,), std=(1.0,))
    image: np.ndarray = np.array([[[0], [np.iinfo(dtype).max]]], dtype=dtype)
    assert to_unit_range(image, spec).tolist() == [[[0.0, 1.0]]]


def test_normalize_by_hand() -> None:
    image = torch.full((2, 3, 1, 1), 0.6)
    assert torch.allclose(normalize(image, RGB)[0, :, 0, 0], torch.tensor([1.0, 1.6, 0.15]))


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 500))
def test_shrinking_keeps_the_shape_and_never_enlarges(height: int, width: int, long_side: int) -> None:
    new_height, new_width = shrunk_size(height, width, long_side)
    assert 1 <= new_height <= height
    assert 1 <= new_width <= width
    assert max(new_height, new_width) <= max(long_side, 1)
    if max(height, width) > long_side:
        assert max(new_height, new_width) == long_side


def test_shrink_is_antialiased() -> None:
    stripes = torch.tensor([0.0, 1.0]).repeat(32).expand(1, 64, 64)
    assert torch.allclose(shrink(stripes, 16)[:, 4:-4, 4:-4], torch.tensor(0.5), atol=0.1)
    assert shrink(stripes, None) is stripes
