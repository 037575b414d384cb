"""U-Net keeps the contract, from scratch and on encoders of each kind."""

from __future__ import annotations

from typing import ClassVar

import pytest

from contract.contract import ArchitectureContract
from contract.measured import measured_receptive_field
from intarsia.architectures import unet


class TestUNetFromScratch(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"depth": 3, "base_width": 8}
    export_sizes = ((1, 1), (17, 33), (32, 48), (64, 31))


class TestUNetWithTransposedConvolutions(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"depth": 2, "base_width": 8, "upsampling": "transposed"}


class TestUNetWithGroupNorm(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"depth": 2, "base_width": 8, "upsampling": "nearest", "norm": "group"}


class TestUNetWithAttention(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"depth": 3, "base_width": 8, "attention": True}


class TestUNetOnResNet(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"encoder": "resnet18"}
    export_sizes = ((17, 33), (64, 96))


class TestUNetOnResNetToDepthThree(ArchitectureContract):
    architecture = "unet"
    arguments: ClassVar = {"encoder": "test_resnet", "depth": 3, "upsampling": "bilinear"}


class TestUNetOnMobileNet(ArchitectureContract):
    """Squeeze-and-excitation: every pixel depends on the whole image."""

    architecture = "unet"
    arguments: ClassVar = {"encoder": "mobilenetv3_small_050"}


class TestUNetOnConvNeXt(ArchitectureContract):
    """The first features are at stride 4, and layer normalisation works on permuted axes."""

    architecture = "unet"
    arguments: ClassVar = {"encoder": "test_convnext"}


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest", "transposed"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_receptive_field_from_scratch_is_declared_as_measured(depth: int, upsampling: str) -> None:
    network = unet.build(in_channels=1, num_classes=1, depth=depth, base_width=8, upsampling=upsampling)
    declared, stride = network.receptive_field, network.stride
    assert declared is not None
    assert measured_receptive_field(network, 1, stride, (declared // stride + 4) * stride) == declared
