from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.pspnet import build


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_on_resnet101_as_the_field_states_it() -> None:
    # 68.1 million: SegFormer (Xie et al. 2021, arXiv:2105.15203), table 2, PSPNet on ResNet-101 for the 150 classes of
    # ADE20K. That is the paper's with three 3×3 convolutions for a stem (timm's resnet101c), and counts the auxiliary
    # classifier on the 1024 channels of the last stage but one, which only training looks at: a 3×3 convolution to 256
    # channels, its normalisation, a 1×1 convolution.
    auxiliary = 1024 * 256 * 9 + 2 * 256 + (256 + 1) * 150
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=150, encoder="resnet101c")
    assert round((_count(network) + auxiliary) / 1e6, 1) == 68.1


def test_layer_by_layer() -> None:
    # 2048 channels pooled into four levels of 512, and all 4096 convolved to 512.
    levels = 4 * (2048 * 512 + 2 * 512)
    fuse = 4096 * 512 * 9 + 2 * 512
    head = (512 + 1) * 21
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21)
    assert _count(network) == 23_508_032 + levels + fuse + head == 46_592_597  # ResNet-50 without its classifier


def test_as_many_as_in_smp() -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=21, depth=3, variant="smp")
        theirs = smp.PSPNet("resnet50", encoder_weights=None, classes=21)
    unused = _count(theirs.encoder.layer3) + _count(theirs.encoder.layer4)
    assert _count(ours) == _count(theirs) - unused == 2_330_069
