"""DDRNet keeps the contract."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestDDRNet(ArchitectureContract):
    architecture = "ddrnet"
    arguments: ClassVar = {"width": 4}
    export_sizes = ((17, 33), (128, 192))
