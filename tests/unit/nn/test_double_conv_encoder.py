from __future__ import annotations

import pytest
import torch
from torch import nn

from intarsia.errors import ModelFileError, RecipeError
from intarsia.nn.double_conv_encoder import DoubleConvEncoder, named_encoder
from intarsia.nn.encoders import Encoder, TimmEncoder


def _named(name: str, *, depth: int | None = None, pretrained: bool = False) -> Encoder:
    return named_encoder(name, 3, depth=depth, base_width=4, norm="batch", pretrained=pretrained)


def test_features_have_the_promised_channels_and_sizes() -> None:
    encoder = DoubleConvEncoder(in_channels=2, depth=3, base_width=4, norm="batch")
    assert (encoder.out_channels, encoder.strides) == ((4, 8, 16, 32), (1, 2, 4, 8))
    shapes = [tuple(feature.shape) for feature in encoder(torch.rand(1, 2, 16, 24))]
    assert shapes == [(1, 4, 16, 24), (1, 8, 8, 12), (1, 16, 4, 6), (1, 32, 2, 3)]


def test_a_layer_is_a_double_convolution() -> None:
    encoder = DoubleConvEncoder(in_channels=2, depth=3, base_width=4, norm="group")
    assert [len(layer) for layer in encoder.layers()] == [6, 6, 6, 6]
    assert sum(len(layer) for layer in encoder.layers()) == len(list(encoder.parameters()))


def test_it_has_no_published_weights() -> None:
    with pytest.raises(ModelFileError, match=r"from scratch has no published weights.*encoder=resnet18"):
        DoubleConvEncoder(3, 1, 4, "batch").load_weights({"conv1.weight": torch.rand(1)})


def test_scratch_is_the_papers_depth_and_every_other_name_is_timms() -> None:
    scratch, on_timm, shallow = _named("scratch"), _named("test_resnet"), _named("test_resnet", depth=3)
    assert isinstance(scratch, DoubleConvEncoder)
    assert scratch.strides == (1, 2, 4, 8, 16)
    assert isinstance(on_timm, TimmEncoder)
    assert len(shallow.strides) == 3 < len(on_timm.strides)


@pytest.mark.parametrize("depth", [12, 25, 10**9])
def test_more_channels_than_anybody_wants_are_refused_before_they_are_drawn(depth: int) -> None:
    message = rf"arguments `depth` and `base_width`: found depth={depth} and base_width=4, .* more than 8192 channels"
    with pytest.raises(RecipeError, match=message):
        _named("scratch", depth=depth)


def test_a_misspelled_scratch_is_recognized() -> None:
    with pytest.raises(RecipeError, match=r"argument `encoder`: found 'scrach'\. Did you mean 'scratch'\? Write it\."):
        _named("scrach")


def test_pretrained_from_scratch_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"argument `pretrained`: found True.*Name an encoder that has"):
        _named("scratch", pretrained=True)


def test_pretrained_reaches_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    original = TimmEncoder.__init__

    def record(self: TimmEncoder, name: str, in_channels: int, levels: int | None, *, pretrained: bool) -> None:
        asked.append(pretrained)
        original(self, name, in_channels, levels)

    monkeypatch.setattr(TimmEncoder, "__init__", record)
    assert isinstance(_named("test_resnet", pretrained=True), nn.Module)
    assert asked == [True]
