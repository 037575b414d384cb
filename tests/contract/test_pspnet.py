"""PSPNet keeps the contract, dilated as in the paper and cut off as segmentation_models_pytorch has it."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestPSPNet(ArchitectureContract):
    architecture = "pspnet"
    arguments: ClassVar = {"encoder": "test_resnet", "width": 16}
    export_sizes = ((1, 1), (17, 33))


class TestPSPNetOnConvNeXtAsInSMP(ArchitectureContract):
    """The first features are at stride 4."""

    architecture = "pspnet"
    arguments: ClassVar = {"encoder": "test_convnext", "depth": 3, "width": 16, "variant": "smp"}
