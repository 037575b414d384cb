from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.deeplabv3plus import build
from intarsia.errors import RecipeError
from intarsia.nn.separable import SeparableConvNormReLU


@pytest.mark.parametrize(
    "encoder", ["test_resnet", "mobilenetv2_035", "test_efficientnet", "test_convnext", "test_nfnet"]
)
@pytest.mark.parametrize("output_stride", [8, 16])
def test_encoders_of_each_structure_at_both_output_strides(encoder: str, output_stride: int) -> None:
    network = build(in_channels=3, num_classes=2, encoder=encoder, output_stride=output_stride, width=8).eval()
    assert network.stride == output_stride
    with torch.no_grad():
        assert network(torch.rand(1, 3, 19, 33)).logits.shape == (1, 2, 19, 33)


@pytest.mark.parametrize(
    ("arguments", "rates"),
    [
        ({}, [6, 12, 18]),
        ({"output_stride": 8}, [12, 24, 36]),
        ({"rates": [1, 2]}, [1, 2]),
        ({"variant": "smp"}, [12, 24, 36]),
    ],
    ids=str,
)
def test_rates_follow_the_output_stride_unless_given(arguments: dict[str, Any], rates: list[int]) -> None:
    network: Any = build(in_channels=3, num_classes=2, encoder="test_resnet", width=8, separable=False, **arguments)
    assert [branch[0].dilation[0] for branch in network.decoder.aspp.branches[1:-1]] == rates


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"width": 0}, "argument `width`: found 0"),
        ({"rates": (6, 0)}, "argument `rates`: found 0"),
        ({"dropout": 1.5}, r"argument `dropout`: found 1\.5\. Give a number from 0 to below 1"),
        ({"output_stride": 4}, r"argument `output_stride`: found 4\. Give 8 or 16"),
        ({"output_stride": 12}, r"argument `output_stride`: found 12\. Give 8 or 16"),
        (
            {"variant": "papers"},
            r"argument `variant`: found 'papers'\. Did you mean 'paper'\? Possible are: paper, smp",
        ),
        ({"encoder": "vgg16"}, "'vgg16' cannot keep an output stride of 16.*an encoder that dilates"),
        ({"encoder": "densenet121"}, "'densenet121' cannot keep an output stride of 16.*an encoder that dilates"),
        ({"encoder": "mobilenetv2_035", "variant": "smp"}, "'mobilenetv2_035' is no ResNet.*variant=smp-universal"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})


@pytest.mark.parametrize(("variant", "before", "after"), [("paper", 0, 2), ("smp", 1, 1)])
def test_two_convolutions_refine_before_or_after_enlarging(variant: str, before: int, after: int) -> None:
    decoder: Any = build(in_channels=3, num_classes=2, encoder="test_resnet", width=8, variant=variant).decoder
    assert [isinstance(decoder.coarse, SeparableConvNormReLU), len(decoder.merge)] == [bool(before), after]


def test_the_fine_features_are_those_at_stride_four_in_48_channels() -> None:
    network = build(in_channels=3, num_classes=2, encoder="test_resnet", width=8)
    decoder: Any = network.decoder
    assert network.encoder.strides[decoder.fine_level] == 4
    assert decoder.fine[0].out_channels == 48
