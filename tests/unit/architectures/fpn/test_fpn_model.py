from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.fpn import build
from intarsia.errors import RecipeError


@pytest.mark.parametrize(
    "encoder", ["mobilenetv2_035", "test_efficientnet", "test_convnext2", "vgg11", "hrnet_w18_small"]
)
def test_encoders_of_other_structure(encoder: str) -> None:
    network = build(in_channels=1, num_classes=2, encoder=encoder, width=8).eval()
    with torch.no_grad():
        features = network.encoder(torch.rand(1, 1, 64, 96))
        assert network.decoder(features).shape == (1, 8, 16, 24)  # stride 4
        assert network(torch.rand(1, 1, 19, 33)).logits.shape == (1, 2, 19, 33)


def test_the_pyramid_has_twice_the_width_and_concatenation_the_width_of_all_levels() -> None:
    network = build(in_channels=3, num_classes=2, encoder="test_resnet", width=8, merge="concatenate")
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes["decoder.pyramid.laterals.0.weight"] == (16, 32, 1, 1)
    assert shapes["decoder.pyramid.outputs.3.weight"] == (16, 16, 3, 3)
    assert [len(list(branch.children())) for branch in network.decoder.get_submodule("branches").children()] == [
        1,
        1,
        2,
        3,
    ]
    assert shapes["head.weight"] == (2, 4 * 8, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"width": 0}, "argument `width`: found 0"),
        ({"merge": "summ"}, r"argument `merge`: found 'summ'\. Did you mean 'sum'\? Possible are: sum, concatenate"),
        ({"encoder": "resnet1"}, r"timm has no model 'resnet1'\. Did you mean"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})
