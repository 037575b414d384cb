"""UPerNet keeps the contract, as its authors have it and as segmentation_models_pytorch has it."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestUPerNet(ArchitectureContract):
    architecture = "upernet"
    arguments: ClassVar = {"encoder": "test_resnet", "width": 16}
    export_sizes = ((1, 1), (17, 33))


class TestUPerNetOnConvNeXtAsInSMP(ArchitectureContract):
    """The first features are at stride 4, and nothing but the decoder normalises them."""

    architecture = "upernet"
    arguments: ClassVar = {"encoder": "test_convnext", "width": 16, "feature_norm": True, "align_corners": True}
