"""An encoder with an output stride keeps it truly: its features are the undilated ones, with more between them."""

from __future__ import annotations

import math

import pytest
import torch
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import nn

from intarsia.errors import RecipeError
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.smp_dilation import dilate_as_smp

_SIZE = (64, 96)


def _features(encoder: TimmEncoder) -> list[torch.Tensor]:
    torch.manual_seed(1)
    with torch.no_grad():
        features: list[torch.Tensor] = encoder.eval()(torch.randn(1, 3, *_SIZE))
    return features


def _pair(name: str, output_stride: int) -> tuple[TimmEncoder, TimmEncoder]:
    """As published and dilated, with equal weights and running statistics that differ from their start."""
    torch.manual_seed(0)
    halving, dilated = TimmEncoder(name, 3), TimmEncoder(name, 3, output_stride=output_stride)
    for module in halving.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)  # timm's last of a block starts at zero, which hides the block
            nn.init.normal_(module.bias, std=0.1)
            assert module.running_mean is not None
            nn.init.normal_(module.running_mean, std=0.1)
    dilated.load_state_dict(halving.state_dict())
    return halving, dilated


def _assert_subsampled_equal(halving: TimmEncoder, dilated: TimmEncoder) -> None:
    strides = zip(halving.strides, dilated.strides, strict=True)
    for coarse, fine, (stride, kept) in zip(_features(halving), _features(dilated), strides, strict=True):
        assert fine.shape[-2:] == (_SIZE[0] // kept, _SIZE[1] // kept)
        every, scale = stride // kept, coarse.abs().max()
        torch.testing.assert_close(fine[..., ::every, ::every] / scale, coarse / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize(
    "name",
    ["resnet50", "resnet18", "mobilenetv2_035", "xception65", "efficientnet_lite0", "regnetx_002"],
)
def test_subsampled_it_gives_the_features_of_the_network_that_halves(name: str, output_stride: int) -> None:
    _assert_subsampled_equal(*_pair(name, output_stride))


def test_xception71_keeps_an_output_stride_of_16_only() -> None:
    _assert_subsampled_equal(*_pair("xception71", 16))
    with pytest.raises(RecipeError, match=r"'xception71' cannot keep an output stride of 8\."):
        TimmEncoder("xception71", 3, output_stride=8)


def test_so_it_does_behind_squeeze_and_excitation() -> None:
    """A mean over more places is another mean, so the gates of both are held open to compare the rest."""
    halving, dilated = _pair("efficientnet_b0", 8)
    for module in [*halving.modules(), *dilated.modules()]:
        if isinstance(module, SqueezeExcite):
            module.gate = nn.Threshold(math.inf, 1.0)
    _assert_subsampled_equal(halving, dilated)


def test_dilating_the_first_convolutions_too_gives_other_features() -> None:
    halving, dilated = _pair("resnet18", 8)
    dilate_as_smp(dilated)
    coarse, fine = _features(halving)[-1], _features(dilated)[-1]
    assert fine.shape[-2:] == (_SIZE[0] // 8, _SIZE[1] // 8)
    assert (fine[..., ::4, ::4] - coarse).abs().max() > 0.1 * coarse.abs().max()


@pytest.mark.parametrize("name", ["vgg16", "densenet121", "hrnet_w18_small", "mambaout_femto"])
def test_an_encoder_that_cannot_keep_one_names_some_that_can(name: str) -> None:
    expected = (
        rf"'{name}' cannot keep an output stride of 8\. Choose an encoder that dilates, for example resnet50, mob"
    )
    with pytest.raises(RecipeError, match=expected) as caught:
        TimmEncoder(name, 3, output_stride=8)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2_035"])
@pytest.mark.parametrize("output_stride", [0, 4, 12, 32, True])
def test_other_output_strides_are_refused(name: str, output_stride: int) -> None:
    with pytest.raises(RecipeError, match=rf"argument `output_stride`: found {output_stride}\. Give 8 or 16"):
        TimmEncoder(name, 3, output_stride=output_stride)
