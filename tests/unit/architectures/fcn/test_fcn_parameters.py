from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision.models.segmentation import FCN_ResNet50_Weights, FCN_ResNet101_Weights

from intarsia.architectures.fcn import FCN, build

_VOC_CLASSES = 21
# VGG-16 (Simonyan & Zisserman 2015, table 2: 138 million) without its last layer: 13 convolutions 14,714,688, fc6
# 512·4096·7·7 + 4096, fc7 4096·4096 + 4096.
_VGG16 = 14_714_688 + 102_764_544 + 16_781_312
# The score layers of fc7, pool4 and pool3.
_SCORE_FR, _SCORE_POOL4, _SCORE_POOL3 = ((channels + 1) * _VOC_CLASSES for channels in (4096, 512, 256))


def _build(**arguments: Any) -> FCN:
    with torch.device("meta"):
        return build(in_channels=3, num_classes=_VOC_CLASSES, **arguments)


def _count(network: FCN) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# Long et al. 2015, table 1, gives FCN-VGG16 134 million. Layers and sizes of kernels are those of the authors'
# voc-fcn{32,16,8}s/net.py (github.com/shelhamer/fcn.berkeleyvision.org). Its transposed convolutions hold one kernel a
# class in the diagonal of a [21, 21] matrix of kernels; here only the diagonal is kept.
@pytest.mark.parametrize(
    ("stride", "expected"),
    [
        (32, _VGG16 + _SCORE_FR + 21 * 64 * 64),
        (16, _VGG16 + _SCORE_FR + _SCORE_POOL4 + 21 * (4 * 4 + 32 * 32)),
        (8, _VGG16 + _SCORE_FR + _SCORE_POOL4 + _SCORE_POOL3 + 21 * (4 * 4 + 4 * 4 + 16 * 16)),
    ],
)
def test_on_vgg16_as_in_the_paper(stride: int, expected: int) -> None:
    found = _count(_build(stride=stride))
    assert found == expected
    assert round(found / 1e6) == 134


@pytest.mark.parametrize(
    ("encoder", "published"),
    [
        ("resnet50", FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1),
        ("resnet101", FCN_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1),
    ],
)
def test_dilated_as_in_torchvision(encoder: str, published: FCN_ResNet50_Weights | FCN_ResNet101_Weights) -> None:
    # torchvision's figure counts the auxiliary classifier on the 1024 channels of layer3, which only training looks at:
    # a 3×3 convolution to a quarter of them, its normalisation, a 1×1 convolution.
    auxiliary = 1024 * 256 * 9 + 2 * 256 + (256 + 1) * _VOC_CLASSES
    assert _count(_build(encoder=encoder, dilated=True)) + auxiliary == published.meta["num_params"]


def test_the_receptive_field_is_the_papers_and_upsamplings() -> None:
    # Table 1 gives fc7 404 pixels at stride 32. Enlarged once, a pixel sees two neighbouring cells of it; enlarged
    # again, two neighbours of those that see two each, three in all; and so it stays.
    assert _build(stride=32).receptive_field == 404 + 32
    assert _build(stride=16).receptive_field == 404 + 2 * 32
    assert _build(stride=8).receptive_field == 404 + 2 * 32
