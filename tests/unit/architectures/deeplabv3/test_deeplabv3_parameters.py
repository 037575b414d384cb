from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn
from torchvision.models.segmentation import (
    DeepLabV3_MobileNet_V3_Large_Weights,
    DeepLabV3_ResNet50_Weights,
    DeepLabV3_ResNet101_Weights,
)

from intarsia.architectures.deeplabv3 import build


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("encoder", "weights", "stated", "auxiliary"),
    [
        ("resnet50", DeepLabV3_ResNet50_Weights, 42_004_074, 1024),
        ("resnet101", DeepLabV3_ResNet101_Weights, 60_996_202, 1024),
        ("mobilenetv3_large_100", DeepLabV3_MobileNet_V3_Large_Weights, 11_029_328, 40),
    ],
)
def test_as_torchvision_states(encoder: str, weights: type, stated: int, auxiliary: int) -> None:
    # The papers count none. torchvision counts an auxiliary classifier in, which only training looks at: a 3×3
    # convolution to a quarter of the channels, its normalisation, a 1×1 convolution to 21 classes.
    assert weights.COCO_WITH_VOC_LABELS_V1.meta["num_params"] == stated  # type: ignore[attr-defined]
    hidden = auxiliary // 4
    head = auxiliary * hidden * 9 + 2 * hidden + (hidden + 1) * 21
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21, encoder=encoder)
    assert _count(network) == stated - head


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("encoder", ["resnet34", "resnet50"])
def test_as_many_as_in_smp(encoder: str, separable: bool) -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=21, encoder=encoder, separable=separable, variant="smp")
        theirs = smp.DeepLabV3(encoder, encoder_weights=None, classes=21, decoder_aspp_separable=separable)
    assert _count(ours) == _count(theirs)
