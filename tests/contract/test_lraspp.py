"""LR-ASPP keeps the contract, on a dilated encoder, on one as published, and as torchvision computes it."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestLRASPP(ArchitectureContract):
    architecture = "lraspp"
    arguments: ClassVar = {"encoder": "mobilenetv3_small_050", "width": 16}


class TestLRASPPOnAnEncoderAsPublished(ArchitectureContract):
    architecture = "lraspp"
    arguments: ClassVar = {"encoder": "test_convnext", "output_stride": 32, "width": 16}


class TestLRASPPAsInTorchvision(ArchitectureContract):
    architecture = "lraspp"
    arguments: ClassVar = {"variant": "torchvision"}
