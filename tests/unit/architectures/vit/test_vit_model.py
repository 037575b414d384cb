"""Encoders, their names, weights and layers."""

from __future__ import annotations

from unittest import mock

import pytest
import timm
import torch

from intarsia import architectures
from intarsia.architectures.vit import build
from intarsia.architectures.vit.encoder import ViTEncoder
from intarsia.errors import FetchError, ModelFileError, RecipeError


def _encoder(name: str = "test_vit", in_channels: int = 3, levels: int = 4) -> ViTEncoder:
    torch.manual_seed(0)
    encoder = build(in_channels=in_channels, num_classes=2, encoder=name, levels=levels).encoder
    assert isinstance(encoder, ViTEncoder)
    return encoder


@pytest.mark.parametrize(("levels", "blocks"), [(1, [5]), (2, [2, 5]), (4, [0, 2, 3, 5]), (6, [0, 1, 2, 3, 4, 5])])
def test_levels_are_evenly_spaced_to_the_last_block(levels: int, blocks: list[int]) -> None:
    encoder = _encoder(levels=levels)
    assert encoder.blocks == blocks
    assert encoder.out_channels == (64,) * levels
    assert encoder.strides == (16,) * levels


@pytest.mark.parametrize(
    "name", ["eva02_tiny_patch14_224", "vit_small_patch16_dinov3", "vit_small_patch14_reg4_dinov2"]
)
def test_takes_the_foundation_models_at_any_size(name: str) -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=2, encoder=name, head="progressive")
        assert network(torch.empty(1, 3, 30, 50)).logits.shape == (1, 2, 30, 50)


def test_rotary_positions_see_where_a_pixel_is() -> None:
    encoder = _encoder("eva02_tiny_patch14_224", levels=1).eval()
    image = torch.zeros(1, 3, 28, 42)
    image[..., :14, :14] = 1
    with torch.no_grad():
        (upper_left,), (lower_right,) = encoder(image), encoder(image.flip((2, 3)))
    assert (upper_left - lower_right.flip((2, 3))).abs().max() > 1e-3


def test_layers_are_the_embeddings_and_the_blocks() -> None:
    encoder = _encoder()
    names = {parameter: name for name, parameter in encoder.features.named_parameters()}
    layers = [{names[parameter].partition(".")[0] for parameter in layer} for layer in encoder.layers()]
    assert layers[0] == {"cls_token", "pos_embed", "patch_embed"}
    assert layers[1:] == [{"blocks"}] * 5 + [{"blocks", "norm"}]
    assert sum(len(layer) for layer in encoder.layers()) == len(names)


def test_weights_for_rgb_see_gray_as_gray() -> None:
    classifier = timm.create_model("test_vit").state_dict()
    rgb, gray = _encoder().eval(), _encoder(in_channels=1).eval()
    rgb.load_weights(classifier)
    gray.load_weights(classifier)
    image = torch.rand(1, 1, 32, 48)
    with torch.no_grad():
        expected = rgb(image.expand(-1, 3, -1, -1))
        torch.testing.assert_close(gray(image), expected, rtol=1e-4, atol=1e-4)


def test_the_authors_mask_token_is_left_out() -> None:
    classifier = timm.create_model("test_vit").state_dict()
    encoder = _encoder()
    encoder.load_weights({**classifier, "mask_token": torch.zeros(1, 64)})
    assert torch.equal(encoder.features.cls_token, classifier["cls_token"])


def test_weights_of_another_transformer_are_refused_and_change_nothing() -> None:
    encoder = _encoder()
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}
    with pytest.raises(ModelFileError, match=r"do not fit test_vit: .* missing \(cls_token.*not part of it"):
        encoder.load_weights(timm.create_model("test_vit3").state_dict())
    assert all(torch.equal(tensor, before[key]) for key, tensor in encoder.state_dict().items())


def test_a_missing_and_a_misshapen_tensor_are_named() -> None:
    weights = timm.create_model("test_vit").state_dict()
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(pos_embed\)"):
        _encoder().load_weights({**weights, "pos_embed": weights["pos_embed"][:, :10]})
    del weights["blocks.2.attn.qkv.bias"]
    with pytest.raises(ModelFileError, match=r"1 tensors are missing \(blocks.2.attn.qkv.bias\)"):
        _encoder().load_weights(weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"encoder": "vit_small_patch14_dinov22"},
            r"no plain vision transformer.*Did you mean 'vit_small_patch14_dinov2'",
        ),
        ({"encoder": "resnet18"}, r"timm has no plain vision transformer 'resnet18'.*timm\.list_models"),
        (
            {"encoder": "test_vit.bogus"},
            r"no weights 'bogus' of 'test_vit'\. Write test_vit, or one of test_vit\.r160_in1k",
        ),
        ({"levels": 7}, r"`levels`: found 7, but 'test_vit' has 6 blocks only\. Give at most 6\."),
        ({"levels": 0}, r"`levels`: found 0\. Give a whole number, 1 or larger"),
        ({"head": "linaer"}, r"`head`: found 'linaer'\. Did you mean 'linear'\? Possible are: linear, progressive"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        architectures.build("vit", in_channels=3, num_classes=2, **{"encoder": "test_vit", **arguments})


def test_weights_that_cannot_be_fetched_are_one_line() -> None:
    offline = OSError("no route to host\nand more")
    with (
        mock.patch("timm.create_model", side_effect=offline),
        pytest.raises(
            FetchError, match=r"`pretrained`: timm could not fetch the weights of 'test_vit' \(no route to host\)"
        ),
    ):
        build(in_channels=3, num_classes=2, encoder="test_vit", pretrained=True)
