"""Full-size parameter counts, against the paper's and transformers'."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from intarsia.architectures.segformer import build
from intarsia.architectures.segformer.encoder import SIZES


def _count(size: str, num_classes: int) -> int:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=num_classes, size=size)
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("size", "millions"), [("b0", 3.8), ("b1", 13.7), ("b2", 27.5), ("b3", 47.3), ("b4", 64.1), ("b5", 84.7)]
)
def test_for_the_150_classes_of_ade20k_they_are_the_papers(size: str, millions: float) -> None:
    """Xie et al. 2021, arXiv:2105.15203, tables 1 and 2."""
    assert round(_count(size, num_classes=150) / 1e6, 1) == millions


def test_for_the_19_classes_of_cityscapes_there_are_fewer() -> None:
    assert _count("b0", num_classes=19) == 3_719_027
    assert _count("b2", num_classes=19) == 27_361_235


@pytest.mark.parametrize("size", SIZES)
def test_they_are_those_of_transformers(size: str) -> None:
    settings: dict[str, Any] = {
        "hidden_sizes": SIZES[size].channels,
        "depths": SIZES[size].depths,
        "decoder_hidden_size": SIZES[size].decoder_width,
        "num_labels": 19,
    }
    with torch.device("meta"):
        theirs = SegformerForSemanticSegmentation(SegformerConfig(**settings))
    assert _count(size, num_classes=19) == sum(parameter.numel() for parameter in theirs.parameters())
