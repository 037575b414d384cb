from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from intarsia.predict.depthwise import SpreadDepthwise, is_slow, spread_depthwise


@given(
    batch=st.integers(1, 2),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    side=st.sampled_from([1, 3, 5]),
    dilation=st.integers(1, 25),
    bias=st.booleans(),
)
def test_equals_the_convolution(batch: int, size: tuple[int, int], side: int, dilation: int, bias: bool) -> None:
    torch.manual_seed(0)
    features, weight = torch.randn(batch, 3, *size), torch.randn(3, 1, side, side)
    added = torch.randn(3) if bias else None
    padding = dilation * (side // 2)
    expected = functional.conv2d(features, weight, added, padding=padding, dilation=dilation, groups=3)
    torch.testing.assert_close(spread_depthwise(features, weight, added, dilation), expected)


def test_half_precision_and_channels_last_stay() -> None:
    features = torch.randn(2, 8, 24, 24).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
    spread = spread_depthwise(features, torch.randn(8, 1, 3, 3).to(torch.bfloat16), None, 12)
    assert spread.dtype == torch.bfloat16
    assert spread.is_contiguous(memory_format=torch.channels_last)


def test_stands_in_for_a_module() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=12, dilation=12, groups=4)
    assert is_slow(conv)
    features = torch.randn(1, 4, 30, 17)
    torch.testing.assert_close(SpreadDepthwise(conv)(features), conv(features))


@pytest.mark.parametrize(
    "conv",
    [
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=6, dilation=6, groups=4),
        nn.Conv2d(4, 4, 3, padding=12, dilation=12, groups=2),
        nn.Conv2d(4, 8, 3, padding=12, dilation=12, groups=4),
        nn.Conv2d(4, 4, 3, padding=12, dilation=12, groups=4, stride=2),
        nn.Conv2d(4, 4, 3, padding=11, dilation=12, groups=4),
        nn.Conv2d(4, 4, 3, padding=(12, 11), dilation=(12, 11), groups=4),
        nn.Conv2d(4, 4, (3, 5), padding=(12, 24), dilation=12, groups=4),
        nn.Conv2d(4, 4, 3, padding=12, dilation=12, groups=4, padding_mode="reflect"),
    ],
    ids=str,
)
def test_only_what_is_slow_and_the_same(conv: nn.Module) -> None:
    assert not is_slow(conv)
