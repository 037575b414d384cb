from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.pspnet import build
from intarsia.errors import RecipeError


@pytest.mark.parametrize(
    ("arguments", "stride"),
    [({}, 8), ({"output_stride": 8}, 8), ({"output_stride": 16}, 16), ({"depth": 3}, 8), ({"depth": 5}, 32)],
    ids=str,
)
def test_stride_eight_as_in_the_paper_unless_told_otherwise(arguments: dict[str, Any], stride: int) -> None:
    network = build(in_channels=3, num_classes=2, encoder="test_resnet", width=4, **arguments)
    assert network.stride == stride


@pytest.mark.parametrize("encoder", ["mobilenetv2_035", "test_efficientnet", "test_nfnet"])
@pytest.mark.parametrize("arguments", [{"output_stride": 8}, {"depth": 3, "variant": "smp"}], ids=str)
def test_encoders_of_other_structure(encoder: str, arguments: dict[str, Any]) -> None:
    network = build(in_channels=3, num_classes=2, encoder=encoder, width=4, **arguments).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 19, 33)).logits.shape == (1, 2, 19, 33)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"width": 0}, "argument `width`: found 0"),
        ({"depth": 0}, "argument `depth`: found 0"),
        ({"depth": 3, "output_stride": 8}, "arguments `depth` and `output_stride`: found depth=3 and output_stride=8"),
        ({"output_stride": 0}, "argument `output_stride`: found 0"),
        ({"output_stride": 7}, r"argument `output_stride`: found 7\. Give 8 or 16"),
        (
            {"variant": "papers"},
            r"argument `variant`: found 'papers'\. Did you mean 'paper'\? Possible are: paper, smp",
        ),
        ({"encoder": "densenet121"}, "'densenet121' cannot keep an output stride of 8.*an encoder that dilates"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})
