from __future__ import annotations

import pytest
import torch

from intarsia.errors import ShapeError
from intarsia.nn.images import check_image


def test_a_float_batch_with_the_right_channels_passes() -> None:
    check_image(torch.rand(1, 3, 1, 1), 3)
    check_image(torch.rand(2, 3, 5, 4).bfloat16(), 3)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 0, 8), (0, 3, 8, 8)], ids=str)
def test_what_is_no_batch_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"has the shape \(.*\[B, C, H, W\].*image\[None\]"):
        check_image(torch.rand(shape), 3)


def test_other_channels_are_refused_with_both_numbers() -> None:
    with pytest.raises(ShapeError, match=r"has 1 channels, but the network was built for 3. Convert the image to 3"):
        check_image(torch.rand(1, 1, 8, 8), 3)


def test_stored_values_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"dtype torch.uint8.*Divide the image"):
        check_image(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 3)
