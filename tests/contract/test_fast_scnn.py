"""Fast-SCNN keeps the contract, in the one size it has."""

from __future__ import annotations

from contract.contract import ArchitectureContract


class TestFastSCNN(ArchitectureContract):
    architecture = "fast_scnn"
    export_sizes = ((17, 33), (64, 96))
