"""Full-size parameter counts, against those of other programs."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.unetplusplus import build
from intarsia.nn.conv import BatchNorm2d


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_network_of_the_paper() -> None:
    # "9.04 M" in the paper; 9,041,601 in the authors' code (github.com/MrGiovanni/UNetPlusPlus, model_logic.py), for
    # one channel and one class, with a bias in every convolution where ours has a scale and a shift behind it.
    with torch.device("meta"):
        network = build(in_channels=1, num_classes=1, upsampling="transposed")
    norms = sum(module.num_features for module in network.modules() if isinstance(module, BatchNorm2d))
    assert _count(network) - norms == 9_041_601


@pytest.mark.parametrize("encoder", ["resnet34", "tu-convnext_tiny"])
def test_as_many_as_segmentation_models_pytorch_has(encoder: str) -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=2, encoder=encoder.removeprefix("tu-"))
        theirs = smp.UnetPlusPlus(encoder, encoder_weights=None, classes=2)
    assert _count(ours) == _count(theirs)
