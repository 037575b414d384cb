"""FCN keeps the contract: on VGG and other encoders, at each stride, with skips and dilated."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from contract.contract import CLASSES, ArchitectureContract


class FCNContract(ArchitectureContract):
    architecture = "fcn"

    def build(self, in_channels: int = 3, num_classes: int = CLASSES) -> Any:
        network = super().build(in_channels, num_classes)
        with torch.no_grad():  # score layers start at zero, and logits that are all zero would prove nothing
            for parameter in network.decoder.parameters():
                parameter += 0.1 * torch.rand_like(parameter)
        return network


class TestFCN8sOnVGG(FCNContract):
    arguments: ClassVar = {"encoder": "vgg11", "fc_width": 8}
    export_sizes = ((1, 1), (17, 33), (64, 96))


class TestFCN32sOnVGG(FCNContract):
    arguments: ClassVar = {"encoder": "vgg11_bn", "fc_width": 8, "stride": 32}


class TestFCN8sOnResNet(FCNContract):
    arguments: ClassVar = {"encoder": "test_resnet"}


class TestFCN16sOnMobileNet(FCNContract):
    """Squeeze-and-excitation: every pixel depends on the whole image."""

    arguments: ClassVar = {"encoder": "mobilenetv3_small_050", "stride": 16}


class TestFCN4sOnConvNeXt(FCNContract):
    """As fine as the encoder's first features."""

    arguments: ClassVar = {"encoder": "test_convnext", "stride": 4}


class TestDilatedFCN(FCNContract):
    """As torchvision's."""

    arguments: ClassVar = {"encoder": "test_resnet", "dilated": True}
    export_sizes = ((17, 33), (64, 96))


class TestDilatedFCNAtStride16(FCNContract):
    arguments: ClassVar = {"encoder": "test_resnet", "dilated": True, "stride": 16}
