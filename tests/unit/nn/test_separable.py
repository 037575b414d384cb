from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from intarsia.nn.separable import SeparableConvNormReLU


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize(
    ("settings", "size"),
    [({}, (9, 12)), ({"dilation": 3}, (9, 12)), ({"stride": 2}, (5, 6)), ({"kernel_size": 5}, (9, 12))],
    ids=str,
)
def test_size_and_channels(settings: dict[str, Any], size: tuple[int, int], between: bool) -> None:
    features = SeparableConvNormReLU(4, 6, between=between, **settings)(torch.randn(2, 4, 9, 12))
    assert features.shape == (2, 6, *size)
    assert features.min() >= 0


def test_it_is_the_whole_convolution_of_the_two_kernels_product() -> None:
    layer: Any = SeparableConvNormReLU(4, 6, dilation=2).eval()
    spatial, mixing = layer[0][0].weight, layer[0][1].weight
    image = torch.randn(1, 4, 9, 9)
    whole = functional.conv2d(image, mixing * spatial.transpose(0, 1), padding=2, dilation=2)
    torch.testing.assert_close(layer(image), layer[2](layer[1](whole)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("between", "count"), [(False, 9 * 16 + 16 * 32 + 64), (True, 9 * 16 + 32 + 16 * 32 + 64)])
def test_parameters_are_as_many_as_counted_by_hand(between: bool, count: int) -> None:
    layer = SeparableConvNormReLU(16, 32, between=between)
    assert sum(parameter.numel() for parameter in layer.parameters()) == count


def test_weights_start_by_whether_a_relu_follows() -> None:
    torch.manual_seed(0)
    alone: Any = SeparableConvNormReLU(256, 8)
    followed: Any = SeparableConvNormReLU(256, 8, between=True)
    assert alone[0][0].weight.std().item() == pytest.approx(math.sqrt(1 / 9), rel=0.05)
    assert followed[0][0].weight.std().item() == pytest.approx(math.sqrt(2 / 9), rel=0.05)


def test_group_normalisation_reaches_both_halves() -> None:
    layer = SeparableConvNormReLU(8, 8, "group", between=True)
    assert sum(isinstance(module, nn.GroupNorm) for module in layer.modules()) == 2
