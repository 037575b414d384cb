from __future__ import annotations

import itertools

import torch
from torch import nn

from intarsia.architectures.fast_scnn import FastSCNN, build

_CITYSCAPES_CLASSES = 19


def _network() -> FastSCNN:
    with torch.device("meta"):
        return build(in_channels=3, num_classes=_CITYSCAPES_CLASSES)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_convolutions_weigh_what_the_paper_says() -> None:
    # 1.11 million: Poudel et al. 2019 (arXiv:1902.04502), table 4, for Cityscapes. That is the layers of their table 1
    # without normalisations, which after training can be folded into the convolutions.
    norms = sum(_count(module) for module in _network().modules() if isinstance(module, nn.BatchNorm2d))
    assert round((_count(_network()) - norms) / 1e6, 2) == 1.11


def test_layer_by_layer() -> None:
    # Their table 1; a normalisation has two numbers a channel.
    conv = 3 * 32 * 9 + 2 * 32
    separable = sum(9 * before + before * after + 2 * after for before, after in [(32, 48), (48, 64)])
    widths = [64, 64, 64, 64, 96, 96, 96, 128, 128, 128]
    bottlenecks = sum(
        6 * before * (before + 2 + 9 + 2 + after) + 2 * after for before, after in itertools.pairwise(widths)
    )
    pyramid = 4 * (128 * 32 + 2 * 32) + 256 * 128 + 2 * 128
    fusion = (9 * 128 + 2 * 128) + (128 * 128 + 2 * 128) + (64 * 128 + 2 * 128)
    classifier = 2 * (9 * 128 + 128 * 128 + 2 * 128) + (128 + 1) * _CITYSCAPES_CLASSES
    expected = conv + separable + bottlenecks + pyramid + fusion + classifier
    assert _count(_network()) == expected == 1_137_123
