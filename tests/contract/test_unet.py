"""U-Net keeps the contract, from scratch and on encoders of each kind."""

from __future__ import annotations

from contract.contract import ArchitectureContract


class TestUNetFromScratch(ArchitectureContract):
    architecture = "unet"
    arguments = {"depth": 3, "base_width": 8}
    export_sizes = [(1, 1), (17, 33), (32, 48), (64, 31)]


class TestUNetWithTransposedConvolutions(ArchitectureContract):
    architecture = "unet"
    arguments = {"depth": 2, "base_width": 8, "upsampling": "transposed"}


class TestUNetWithGroupNorm(ArchitectureContract):
    architecture = "unet"
    arguments = {"depth": 2, "base_width": 8, "upsampling": "nearest", "norm": "group"}


class TestUNetOnResNet(ArchitectureContract):
    architecture = "unet"
    arguments = {"encoder": "resnet18"}
    export_sizes = [(17, 33), (64, 96)]


class TestUNetOnResNetToDepthThree(ArchitectureContract):
    architecture = "unet"
    arguments = {"encoder": "test_resnet", "depth": 3, "upsampling": "bilinear"}


class TestUNetOnMobileNet(ArchitectureContract):
    """Squeeze-and-excitation: every pixel depends on the whole image."""

    architecture = "unet"
    arguments = {"encoder": "mobilenetv3_small_050"}


class TestUNetOnConvNeXt(ArchitectureContract):
    """The first features are at stride 4, and layer normalisation works on permuted axes."""

    architecture = "unet"
    arguments = {"encoder": "test_convnext"}
