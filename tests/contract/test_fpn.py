"""FPN keeps the contract, as in the paper and as segmentation_models_pytorch has it."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestFPN(ArchitectureContract):
    architecture = "fpn"
    arguments: ClassVar = {"encoder": "test_resnet", "width": 16}
    export_sizes = ((1, 1), (17, 33))


class TestFPNOnConvNeXtAsInSMP(ArchitectureContract):
    """The first features are at stride 4."""

    architecture = "fpn"
    arguments: ClassVar = {
        "encoder": "test_convnext",
        "width": 16,
        "merge": "concatenate",
        "smooth": False,
        "align_corners": True,
    }
