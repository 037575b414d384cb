"""Full-size parameter counts, against those of other programs."""

from __future__ import annotations

from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.unet import build
from intarsia.nn.conv import BatchNorm2d


def _build(in_channels: int, num_classes: int, **arguments: Any) -> nn.Module:
    with torch.device("meta"):
        return build(in_channels=in_channels, num_classes=num_classes, **arguments)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _count_without_norms(network: nn.Module) -> int:
    """As many as with a bias in every convolution instead of a scale and a shift in the normalisation behind it."""
    return _count(network) - sum(m.num_features for m in network.modules() if isinstance(m, BatchNorm2d))


def test_the_width_of_the_paper() -> None:
    # Layer by layer, for RGB and two classes: double convolutions down 38,848 + 221,696 + 885,760 + 3,540,992 +
    # 14,159,872 and up 7,079,936 + 1,770,496 + 442,880 + 110,848; up-convolutions 2,097,664 + 524,544 + 131,200 +
    # 32,832; head 130. The figure tutorials quote for any U-Net is this one, of transposed convolutions.
    transposed = _build(3, 2, base_width=64, upsampling="transposed")
    assert _count(transposed) == 31_037_698
    bilinear = _build(3, 2, base_width=64, upsampling="bilinear")
    assert _count(bilinear) == 31_037_698 - 3 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 64)


def test_the_other_31_million() -> None:
    # github.com/zhixuhao/unet (model.py), 31,031,685: one channel in, biases and no normalisation, and a head of a 3×3
    # convolution to two channels and a 1×1 convolution to one.
    network = _build(1, 1, base_width=64, upsampling="transposed")
    ours, theirs = 64 + 1, (9 * 64 * 2 + 2) + (2 + 1)
    assert _count_without_norms(network) - ours + theirs == 31_031_685


def test_half_the_width_of_the_paper() -> None:
    # github.com/MrGiovanni/UNetPlusPlus (model_logic.py), the U-Net of the U-Net++ paper: "7.76 M".
    assert _count_without_norms(_build(1, 1, base_width=32, upsampling="transposed")) == 7_759_521


@pytest.mark.parametrize("encoder", ["resnet34", "tu-convnext_tiny"])
def test_as_many_as_segmentation_models_pytorch_has(encoder: str) -> None:
    with torch.device("meta"):
        theirs = smp.Unet(encoder, encoder_weights=None, classes=2)
    assert _count(_build(3, 2, encoder=encoder.removeprefix("tu-"))) == _count(theirs)


def test_attention_gates_are_a_thirtieth_more() -> None:
    # A gate of F channels under 2F has F·F and 2F·F weights for skip and gating signal, F for the score, F + 1 biases.
    plain, gated = (_build(3, 2, base_width=64, upsampling="transposed", attention=on) for on in (False, True))
    assert _count(gated) - _count(plain) == sum(3 * f * f + 2 * f + 1 for f in (128, 256, 512)) == 1_033_987
