"""SegFormer keeps the contract, with either decoder."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestSegFormer(ArchitectureContract):
    architecture = "segformer"
    arguments: ClassVar = {"width": 32}
    export_sizes = ((33, 70),)


class TestSegFormerWithNormalizedProjections(ArchitectureContract):
    architecture = "segformer"
    arguments: ClassVar = {"width": 32, "projection_norm": True}
