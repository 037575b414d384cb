from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from intarsia.architectures.fcn import build
from intarsia.architectures.fcn.decoder import SkipDecoder
from intarsia.errors import RecipeError


def test_scores_of_coarse_features_are_enlarged_and_added_to_the_finer() -> None:
    torch.manual_seed(0)
    decoder = SkipDecoder((4, 5, 6), (8, 16, 32), num_classes=3)
    with torch.no_grad():
        for parameter in decoder.scores.parameters():
            parameter.normal_()
    left_out, fine, middle, coarse = (
        torch.rand(2, c, s, s + 8 // (16 // s)) for c, s in ((1, 16), (4, 8), (5, 4), (6, 2))
    )
    with torch.no_grad():
        found = decoder([left_out, fine, middle, coarse])
        fr, p4, p3 = decoder.scores[2](coarse), decoder.scores[1](middle), decoder.scores[0](fine)
    fused = p4 + functional.interpolate(fr, p4.shape[-2:], mode="bilinear")
    torch.testing.assert_close(found, p3 + functional.interpolate(fused, p3.shape[-2:], mode="bilinear"))


@pytest.mark.parametrize(("stride", "factors"), [(32, []), (16, [2]), (8, [2, 2]), (4, [2, 2, 2])])
def test_each_stride_has_its_skips(stride: int, factors: list[int]) -> None:
    network: Any = build(in_channels=1, num_classes=2, encoder="test_resnet", stride=stride)
    assert [layer.conv.stride[0] for layer in network.decoder.upsamplings] == factors
    assert network.head.conv.stride == (stride, stride)
    assert network.stride == 32


def test_a_fresh_network_gives_zero_and_learns_its_scores_first() -> None:
    network = build(in_channels=1, num_classes=2, encoder="test_resnet")
    logits = network(torch.rand(2, 1, 32, 32)).logits
    assert not logits.any()
    torch.autograd.backward(functional.cross_entropy(logits, torch.zeros(2, 32, 32, dtype=torch.long)))
    learning = {
        name for name, parameter in network.named_parameters() if parameter.grad is not None and parameter.grad.any()
    }
    assert learning == {f"decoder.scores.{level}.{kind}" for level in range(3) for kind in ("weight", "bias")}


def test_a_dilated_encoder_keeps_its_stride() -> None:
    for stride in (8, 16):
        network = build(in_channels=1, num_classes=2, encoder="test_resnet", stride=stride, dilated=True)
        assert network.stride == stride


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": 12}, r"`stride`: found 12, which test_resnet has no features at. Give one of 2, 4, 8, 16, 32"),
        ({"stride": 0}, "`stride`: found 0. Give a whole number"),
        ({"dilated": True, "stride": 32}, r"`stride`: found 32, which a dilated FCN has no.*Give one of 8, 16"),
        ({"dilated": True, "encoder": "vgg11"}, r"'vgg11' cannot keep an output stride of 8. Choose an encoder that"),
        ({"fc_width": 512}, r"`fc_width`: found 512, but test_resnet has no fully-connected.*choose encoder=vgg16"),
        ({"fc_width": 512, "encoder": "vgg11", "dilated": True}, r"a dilated FCN has no fully-connected layers"),
        ({"fc_width": -1}, "`fc_width`: found -1"),
        ({"num_classes": 0}, "`num_classes`: found 0"),
        ({"in_channels": 0}, "`in_channels`: found 0"),
        ({"encoder": "restnet50"}, r"timm has no model 'restnet50'. Did you mean 'resnet50'\?"),
        ({"encoder": "test_vit"}, r"'test_vit' has features at the strides 16, 16, 16, which is no pyramid"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", **arguments})
