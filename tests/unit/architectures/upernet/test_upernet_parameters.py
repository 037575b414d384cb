from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.upernet import build


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# UPerNets for the 150 classes of ADE20K, in millions. ResNet-101: Swin (Liu et al. 2021, arXiv:2103.14030), table 3;
# its stem is three 3×3 convolutions (timm's resnet101c). ConvNeXt: Liu et al. 2022, arXiv:2201.03545, table of ADE20K,
# and semantic_segmentation/README.md at github.com/facebookresearch/ConvNeXt. All count mmsegmentation's auxiliary
# classifier on the last stage but one, which only training looks at: a 3×3 convolution to 256 channels, its
# normalisation, a 1×1 convolution.
@pytest.mark.parametrize(
    ("encoder", "channels", "millions"),
    [
        ("resnet101c", 1024, 86),
        ("convnext_tiny", 384, 60),
        ("convnext_small", 384, 82),
        ("convnext_base", 512, 122),
    ],
)
def test_as_the_field_states_it(encoder: str, channels: int, millions: int) -> None:
    auxiliary = channels * 256 * 9 + 2 * 256 + (256 + 1) * 150
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=150, encoder=encoder, feature_norm=encoder.startswith("convnext"))
    assert round((_count(network) + auxiliary) / 1e6) == millions


def test_layer_by_layer() -> None:
    pooling = 4 * (2048 * 512 + 2 * 512)
    context = (2048 + 4 * 512) * 512 * 9 + 2 * 512
    laterals = sum(channels * 512 + 2 * 512 for channels in (256, 512, 1024))
    outputs = 3 * (512 * 512 * 9 + 2 * 512)
    fuse = 4 * 512 * 512 * 9 + 2 * 512
    head = (512 + 1) * 21
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21)
    decoder = pooling + context + laterals + outputs + fuse
    assert _count(network) == 23_508_032 + decoder + head == 64_032_341  # ResNet-50 without its classifier


def test_as_many_as_in_smp() -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=21, width=256, feature_norm=True, align_corners=True)
        theirs = smp.UPerNet("resnet50", encoder_weights=None, classes=21)
    assert _count(ours) == _count(theirs) == 37_289_813
