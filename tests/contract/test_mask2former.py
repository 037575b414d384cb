"""Mask2Former keeps the contract, on a convolutional encoder and on Swin."""

from __future__ import annotations

from typing import ClassVar

from contract.contract import ArchitectureContract
from contract.tiny_swin import swin_test

_TINY = {"queries": 5, "width": 32, "pixel_layers": 1, "decoder_layers": 3}


class TestMask2FormerOnResNet(ArchitectureContract):
    architecture = "mask2former"
    arguments: ClassVar = {"encoder": "test_resnet", **_TINY}


class TestMask2FormerOnSwin(ArchitectureContract):
    architecture = "mask2former"
    arguments: ClassVar = {"encoder": swin_test.__name__, **_TINY}
    export_sizes = ((64, 96),)
