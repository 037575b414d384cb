"""DeepLabV3+ keeps the contract on encoders of each kind, at both output strides and in both variants."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from contract.contract import ArchitectureContract
from contract.measured import ends_see_each_other


class TestDeepLabV3PlusOnResNet(ArchitectureContract):
    architecture = "deeplabv3plus"
    arguments: ClassVar = {"encoder": "test_resnet", "width": 16}
    export_sizes = ((1, 1), (17, 33))


class TestDeepLabV3PlusAsInSmp(ArchitectureContract):
    """Aligned corners, one convolution before enlarging, one convolution dilated more."""

    architecture = "deeplabv3plus"
    arguments: ClassVar = {"encoder": "test_resnet", "output_stride": 8, "width": 16, "variant": "smp"}


class TestDeepLabV3PlusOnMobileNet(ArchitectureContract):
    architecture = "deeplabv3plus"
    arguments: ClassVar = {"encoder": "mobilenetv2_035", "output_stride": 8, "width": 16, "separable": False}


class TestDeepLabV3PlusOnEfficientNet(ArchitectureContract):
    architecture = "deeplabv3plus"
    arguments: ClassVar = {"encoder": "test_efficientnet", "width": 16}


class TestDeepLabV3PlusOnXception(ArchitectureContract):
    """Features are taken inside strided blocks; Xception-65 and -71 are the same with more blocks."""

    architecture = "deeplabv3plus"
    arguments: ClassVar = {"encoder": "xception41", "width": 16}

    def test_the_declared_receptive_field_is_the_measured_one(self) -> None:
        network = self.build()
        # Without statistics of its own, so many layers shrink the signal below what float can add to the head's bias.
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None
        with torch.no_grad():
            network(torch.rand(2, 3, 64, 96))
        assert network.receptive_field is None
        assert ends_see_each_other(network, 3, network.stride, 8 * network.stride)
