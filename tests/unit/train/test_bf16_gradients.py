from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from intarsia.train.bf16_gradients import keep_gradients_right


def weight_gradient(conv: nn.Conv2d, features: Tensor, upstream: Tensor) -> Tensor:
    conv.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=features.dtype == torch.bfloat16):
        torch.autograd.backward(conv(features), upstream.to(features.dtype))
    assert conv.weight.grad is not None
    return conv.weight.grad.float()


@pytest.mark.parametrize("groups", [64, 32])
@pytest.mark.parametrize("dilation", [2, 4, 12])
def test_bf16_gradients_are_those_of_float32(groups: int, dilation: int) -> None:
    torch.manual_seed(0)
    exact = nn.Conv2d(64, 64, 3, padding=dilation, dilation=dilation, groups=groups, bias=False)
    fast = copy.deepcopy(exact).to(memory_format=torch.channels_last)
    keep_gradients_right(fast)
    features, upstream = torch.randn(2, 64, 32, 32), torch.randn(2, 64, 32, 32)
    expected = weight_gradient(exact, features, upstream)
    given = features.to(memory_format=torch.channels_last).bfloat16()
    for _ in range(3):  # the wrong ones vary
        difference = (weight_gradient(fast, given, upstream) - expected).abs().max()
        assert difference < 0.05 * expected.abs().max()


def test_other_convolutions_are_left_alone() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 4, 3, dilation=2))
    keep_gradients_right(network)
    assert not any(module._forward_pre_hooks for module in network)
