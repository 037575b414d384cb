from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from intarsia.architectures.lraspp import build
from intarsia.architectures.lraspp.decoder import LRASPPDecoder
from intarsia.errors import RecipeError


@pytest.mark.parametrize(("output_stride", "fine_stride"), [(8, 4), (16, 8), (32, 8)])
@pytest.mark.parametrize("encoder", ["mobilenetv2_035", "mobilenetv3_small_050", "test_resnet"])
def test_fine_features_are_finer_than_the_coarse(encoder: str, output_stride: int, fine_stride: int) -> None:
    network: Any = build(in_channels=1, num_classes=2, encoder=encoder, output_stride=output_stride, width=4).eval()
    assert network.stride == output_stride
    with torch.no_grad():
        padded = torch.rand(1, 1, 64, 96)
        scores = network.decoder(network.encoder(padded))
        assert scores.shape == (1, 2, 64 // fine_stride, 96 // fine_stride)
        assert network(torch.rand(1, 1, 19, 33)).logits.shape == (1, 2, 19, 33)


def test_scoring_before_enlarging_is_scoring_after() -> None:
    torch.manual_seed(0)
    decoder = LRASPPDecoder(6, 3, 4, width=5, fine_level=1).eval()
    fine, coarse = torch.randn(2, 3, 6, 8), torch.randn(2, 6, 3, 4)
    with torch.no_grad():
        found = decoder([torch.empty(0), fine, coarse])
        mean: Tensor = decoder.gate[1](coarse.mean(dim=(2, 3), keepdim=True))
        gated = decoder.project(coarse) * mean.sigmoid()
        enlarged = functional.interpolate(gated, (6, 8), mode="bilinear", align_corners=False)
        expected = decoder.score_coarse(enlarged) + decoder.score_fine(fine)
    torch.testing.assert_close(found, expected)


def test_every_pixel_sees_the_whole_image() -> None:
    assert build(in_channels=3, num_classes=2, encoder="mobilenetv2_035").receptive_field is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"width": 0}, "argument `width`: found 0"),
        ({"output_stride": 4}, r"argument `output_stride`: found 4\. Give one of 8, 16, 32"),
        ({"variant": "torch"}, r"argument `variant`: found 'torch'\. Did you mean 'torchvision'\?"),
        (
            {"variant": "torchvision"},
            r"no LR-ASPP on 'test_resnet' at an output stride of 16.*encoder=mobilenetv3_large",
        ),
        (
            {"variant": "torchvision", "encoder": "mobilenetv3_large_100", "output_stride": 8},
            r"no LR-ASPP on 'mobilenetv3_large_100' at an output stride of 8.*and output_stride=16",
        ),
        ({"encoder": "densenet121"}, "'densenet121' cannot keep an output stride of 16.*an encoder that dilates"),
        ({"encoder": "efficientvit_m0", "output_stride": 32}, "'efficientvit_m0' has no features at stride 8"),
        ({"encoder": "restnet18"}, r"timm has no model 'restnet18'. Did you mean"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})
