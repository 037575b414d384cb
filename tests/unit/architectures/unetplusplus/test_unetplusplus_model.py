from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from intarsia.architectures.unetplusplus import build
from intarsia.errors import RecipeError


def test_the_decoder_is_a_full_triangle() -> None:
    network: Any = build(in_channels=3, num_classes=2, depth=3, base_width=4)
    assert set(network.decoder.blocks) == {"0_1", "1_1", "2_1", "0_2", "1_2", "0_3"}


def test_levels_without_features_of_the_encoder_have_their_last_block_alone() -> None:
    network: Any = build(in_channels=3, num_classes=2, encoder="test_convnext")
    assert set(network.decoder.blocks) == {"2_1", "3_1", "4_1", "2_2", "3_2", "2_3", "1_4", "0_5"}


def test_a_block_sees_its_level_latest_first() -> None:
    network: Any = build(in_channels=1, num_classes=2, depth=2, base_width=4).eval()
    blocks, features = network.decoder.blocks, [torch.rand(1, 4 * 2**i, 8 // 2**i, 8 // 2**i) for i in range(3)]
    with torch.no_grad():
        nested = blocks["0_1"](features[1], features[0])
        last = blocks["0_2"](blocks["1_1"](features[2], features[1]), nested, features[0])
        assert torch.equal(network.decoder(features), last)


def test_defaults_are_the_papers_widths_and_the_customary_decoder() -> None:
    scratch = build(in_channels=3, num_classes=2)
    on_encoder: Any = build(in_channels=3, num_classes=2, encoder="resnet18")
    assert scratch.encoder.out_channels == (32, 64, 128, 256, 512)
    lasts = [on_encoder.decoder.blocks[f"{level}_{5 - level}"].convs for level in reversed(range(5))]
    assert [convs[1][0].out_channels for convs in lasts] == [256, 128, 64, 32, 16]
    assert on_encoder.decoder.blocks["1_1"].convs[1][0].out_channels == 64


def test_encoder_weights_reach_the_encoder() -> None:
    published = timm.create_model("test_resnet").state_dict()
    network = build(in_channels=3, num_classes=2, encoder="test_resnet")
    network.load_encoder_weights(published)
    loaded = network.encoder.state_dict()
    assert loaded
    assert all(torch.equal(tensor, published[name.removeprefix("features.")]) for name, tensor in loaded.items())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "argument `depth`: found 0"),
        ({"base_width": -1}, "argument `base_width`: found -1"),
        ({"num_classes": 0}, "argument `num_classes`: found 0"),
        ({"in_channels": 0}, "argument `in_channels`: found 0"),
        ({"upsampling": "cubic"}, "argument `upsampling`: found 'cubic'. Possible are: bilinear, nearest, transposed"),
        ({"norm": "layer"}, "argument `norm`: found 'layer'. Possible are: batch, group"),
        ({"pretrained": True}, "argument `pretrained`: found True.*Name an encoder"),
        ({"encoder": "resnet81"}, "timm has no model 'resnet81'. Did you mean"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{"in_channels": 3, "num_classes": 2, **arguments})
