from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from intarsia.errors import RecipeError
from intarsia.nn.conv import ConvNormReLU, group_count, normalization


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (3, 1), (6, 1), (16, 4), (32, 8), (48, 12), (64, 16), (128, 32), (1024, 32)]
)
def test_groups_divide_the_channels_and_hold_at_least_four(channels: int, groups: int) -> None:
    assert group_count(channels) == groups
    assert channels % groups == 0


def test_an_unknown_norm_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"argument `norm`: found 'groups'. Did you mean 'group'\?"):
        normalization("groups", 8)


def test_size_stays_and_nothing_is_negative() -> None:
    features = ConvNormReLU(3, 8)(torch.randn(2, 3, 5, 7))
    assert features.shape == (2, 8, 5, 7)
    assert features.min() >= 0


def test_weights_start_after_he_and_without_a_bias_the_norm_would_undo() -> None:
    torch.manual_seed(0)
    conv = ConvNormReLU(32, 64)[0]
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is None
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 32)), rel=0.02)
