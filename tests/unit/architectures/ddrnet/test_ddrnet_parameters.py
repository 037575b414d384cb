from __future__ import annotations

import pytest
import torch

from intarsia.architectures.ddrnet import build
from intarsia.nn.complexity import count_macs, count_parameters


# Hong et al. 2021 (arXiv:2101.06085), the comparison on Cityscapes: DDRNet-23-slim has 5.7 million parameters and 36.3
# GFLOPs for an image of 1024×2048 pixels, DDRNet-23 20.1 million and 143.1. They count multiply-accumulate operations.
@pytest.mark.parametrize(("width", "millions", "billions"), [(32, 5.7, 36.3), (64, 20.1, 143.1)])
def test_parameters_and_operations_are_the_papers(width: int, millions: float, billions: float) -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=19, width=width)
    assert round(count_parameters(network) / 1e6, 1) == millions
    assert round(count_macs(network, 3, 1024, 2048) / 1e9, 1) == billions
