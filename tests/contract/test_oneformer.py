"""OneFormer keeps the contract, on a convolutional encoder and on Swin."""

from __future__ import annotations

from typing import ClassVar

import pytest

from contract.contract import ArchitectureContract
from contract.tiny_swin import swin_test

_TINY = {"queries": 5, "width": 32, "pixel_layers": 1, "decoder_layers": 3}


class TestOneFormerOnResNet(ArchitectureContract):
    architecture = "oneformer"
    arguments: ClassVar = {"encoder": "test_resnet", **_TINY}


@pytest.mark.slow
class TestOneFormerOnSwin(ArchitectureContract):
    """Slow to export, and Mask2Former's test has both the same encoder and the same pixel decoder."""

    architecture = "oneformer"
    arguments: ClassVar = {"encoder": swin_test.__name__, **_TINY}
    export_sizes = ((64, 96),)
