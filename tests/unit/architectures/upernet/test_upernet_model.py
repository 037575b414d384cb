from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from intarsia.architectures.upernet import build
from intarsia.architectures.upernet.decoder import ChannelNorm
from intarsia.errors import RecipeError


@pytest.mark.parametrize("encoder", ["mobilenetv2_035", "test_efficientnet", "test_convnext2", "hrnet_w18_small"])
def test_encoders_of_other_structure(encoder: str) -> None:
    network = build(in_channels=1, num_classes=2, encoder=encoder, width=8).eval()
    with torch.no_grad():
        features = network.encoder(torch.rand(1, 1, 64, 96))
        assert network.decoder(features).shape == (1, 8, 16, 24)  # stride 4
        assert network(torch.rand(1, 1, 19, 33)).logits.shape == (1, 2, 19, 33)


def test_channels_of_a_place_are_normalised_together() -> None:
    normed = ChannelNorm(16)(3 + 5 * torch.randn(2, 16, 3, 4))
    torch.testing.assert_close(normed.mean(dim=1), torch.zeros(2, 3, 4), rtol=0, atol=1e-5)
    torch.testing.assert_close(normed.var(dim=1, unbiased=False), torch.ones(2, 3, 4), rtol=1e-3, atol=0)


def test_features_are_normalised_only_when_asked_for() -> None:
    with_norm = build(in_channels=3, num_classes=2, encoder="test_resnet", width=4, feature_norm=True)
    without = build(in_channels=3, num_classes=2, encoder="test_resnet", width=4)
    assert sum(isinstance(module, nn.LayerNorm) for module in with_norm.modules()) == 4
    assert not any(isinstance(module, nn.LayerNorm) for module in without.modules())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"width": 0}, "argument `width`: found 0"),
        ({"encoder": "resnet1"}, r"timm has no model 'resnet1'\. Did you mean"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})
