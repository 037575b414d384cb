from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import nn

from intarsia.architectures.unet import build
from intarsia.errors import ModelFileError, RecipeError


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _double_conv(before: int, after: int) -> int:
    convolutions = 9 * before * after + 9 * after * after
    norms = 2 * (after + after)
    return convolutions + norms


def _by_hand(in_channels: int, classes: int, depth: int, width: int, upsampling: str) -> int:
    total = _double_conv(in_channels, width)
    for level in range(depth):
        fine, coarse = width * 2**level, width * 2 ** (level + 1)
        kernel = 4 if upsampling == "transposed" else 1
        total += _double_conv(fine, coarse)  # down
        total += kernel * coarse * fine + fine  # up, with a bias
        total += _double_conv(fine + fine, fine)  # beside the skip
    return total + width * classes + classes


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest", "transposed"])
@pytest.mark.parametrize(("depth", "width"), [(1, 1), (2, 5), (3, 16), (4, 32)])
def test_parameters_are_as_many_as_counted_by_hand(depth: int, width: int, upsampling: str) -> None:
    network = build(in_channels=3, num_classes=5, depth=depth, base_width=width, upsampling=upsampling)
    assert _count(network) == _by_hand(3, 5, depth, width, upsampling)


def test_defaults_are_the_papers_depth_and_the_customary_decoder() -> None:
    scratch, on_encoder = build(in_channels=3, num_classes=2), build(in_channels=3, num_classes=2, encoder="resnet18")
    assert _count(scratch) == _by_hand(3, 2, 4, 32, "bilinear")
    assert (scratch.stride, on_encoder.stride) == (16, 32)
    widths = [
        tensor.shape[0] for name, tensor in on_encoder.decoder.named_parameters() if name.endswith("convs.1.0.weight")
    ]
    assert widths == [256, 128, 64, 32, 16]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "argument `depth`: found 0"),
        ({"base_width": -1}, "argument `base_width`: found -1"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"upsampling": "cubic"}, "argument `upsampling`: found 'cubic'. Possible are: bilinear, nearest, transposed"),
        ({"norm": "layer"}, "argument `norm`: found 'layer'. Possible are: batch, group"),
        ({"depth": 25}, "arguments `depth` and `base_width`: found depth=25 and base_width=32"),
        ({"pretrained": True}, "argument `pretrained`: found True.*Name an encoder"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, **arguments})


def test_a_network_from_scratch_takes_no_encoder_weights() -> None:
    network = build(in_channels=3, num_classes=2, depth=1, base_width=4)
    with pytest.raises(ModelFileError, match=r"encoder from scratch has no published weights.*encoder=resnet18"):
        network.load_encoder_weights({"conv1.weight": torch.rand(1)})


def test_encoder_weights_reach_the_encoder() -> None:
    published = timm.create_model("test_resnet").state_dict()
    network = build(in_channels=3, num_classes=2, encoder="test_resnet")
    network.load_encoder_weights(published)
    loaded = network.encoder.state_dict()
    assert loaded
    assert all(torch.equal(tensor, published[name.removeprefix("features.")]) for name, tensor in loaded.items())


def test_a_size_that_fits_is_not_padded() -> None:
    network = build(in_channels=1, num_classes=2, depth=2, base_width=4).eval()
    image = torch.rand(1, 1, 8, 12)
    with torch.no_grad():
        assert torch.equal(network(image).logits, network.head(network.decoder(network.encoder(image))))
