from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.deeplabv3plus import build


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_on_resnet101_as_the_field_states_it() -> None:
    # 62.7 million: SegFormer (Xie et al. 2021, arXiv:2105.15203), table 2, for the 150 classes of ADE20K (the papers of
    # DeepLab count none). That is a network 512 wide on a ResNet with three 3×3 convolutions for a stem (timm's
    # resnet101c), whose pyramid is joined by a 3×3 convolution instead of a 1×1, with normalisation between depthwise
    # and pointwise convolutions, and it counts the auxiliary classifier on the 1024 channels of the last stage but one.
    width = 512
    joined = (9 - 1) * 5 * width * width
    between = 2 * (3 * 2048 + (width + 48) + width)
    auxiliary = 1024 * 256 * 9 + 2 * 256 + (256 + 1) * 150
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=150, encoder="resnet101c", width=width)
    assert round((_count(network) + joined + between + auxiliary) / 1e6, 1) == 62.7


def test_layer_by_layer() -> None:
    norms = 2 * 256
    pyramid = 2 * (2048 * 256 + norms) + 3 * (9 * 2048 + 2048 * 256 + norms) + 5 * 256 * 256 + norms
    fine = 256 * 48 + 2 * 48
    merge = 9 * 304 + 304 * 256 + norms + 9 * 256 + 256 * 256 + norms
    head = (256 + 1) * 21
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21)
    # 23,508,032: ResNet-50 without its classifier
    assert _count(network) == 23_508_032 + pyramid + fine + merge + head == 26_682_725


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("encoder", ["resnet34", "resnet50"])
def test_as_many_as_in_smp(encoder: str, separable: bool) -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=21, encoder=encoder, separable=separable, variant="smp")
        theirs = smp.DeepLabV3Plus(encoder, encoder_weights=None, classes=21, decoder_aspp_separable=separable)
    assert _count(ours) == _count(theirs)
