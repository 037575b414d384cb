"""U-Net++ keeps the contract, from scratch and on encoders of each kind."""

from __future__ import annotations

from typing import ClassVar

import pytest

from contract.contract import ArchitectureContract
from contract.measured import measured_receptive_field
from intarsia.architectures import unetplusplus


class TestUNetPlusPlusFromScratch(ArchitectureContract):
    architecture = "unetplusplus"
    arguments: ClassVar = {"depth": 3, "base_width": 8}


class TestUNetPlusPlusWithGroupNorm(ArchitectureContract):
    architecture = "unetplusplus"
    arguments: ClassVar = {"depth": 2, "base_width": 8, "upsampling": "transposed", "norm": "group"}


class TestUNetPlusPlusOnResNet(ArchitectureContract):
    architecture = "unetplusplus"
    arguments: ClassVar = {"encoder": "test_resnet", "base_width": 4}


class TestUNetPlusPlusOnConvNeXt(ArchitectureContract):
    """The first features are at stride 4: the two finest levels have no nested blocks."""

    architecture = "unetplusplus"
    arguments: ClassVar = {"encoder": "test_convnext", "base_width": 4}


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest", "transposed"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_receptive_field_from_scratch_is_declared_as_measured(depth: int, upsampling: str) -> None:
    network = unetplusplus.build(in_channels=1, num_classes=1, depth=depth, base_width=8, upsampling=upsampling)
    declared, stride = network.receptive_field, network.stride
    assert declared is not None
    assert measured_receptive_field(network, 1, stride, (declared // stride + 4) * stride) == declared
