"""DeepLabV3 keeps the contract, at both output strides and in both variants."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestDeepLabV3OnResNet(ArchitectureContract):
    architecture = "deeplabv3"
    arguments: ClassVar = {"encoder": "test_resnet", "output_stride": 8, "width": 16}
    export_sizes = ((1, 1), (17, 33))


class TestDeepLabV3AsInSmp(ArchitectureContract):
    architecture = "deeplabv3"
    arguments: ClassVar = {
        "encoder": "test_efficientnet",
        "width": 16,
        "separable": True,
        "variant": "smp-universal",
    }
