"""A vision transformer keeps the contract, with either head and either kind of position embedding."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract


class TestViT(ArchitectureContract):
    architecture = "vit"
    arguments: ClassVar = {"encoder": "test_vit"}
    export_sizes = ((33, 70),)


class TestViTWithProgressiveHead(ArchitectureContract):
    """Registers in place of the class token, and a transformer that has classified by attention pooling."""

    architecture = "vit"
    arguments: ClassVar = {"encoder": "test_vit3", "levels": 2, "head": "progressive"}
