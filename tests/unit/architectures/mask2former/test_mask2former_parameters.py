"""Parameters at full size are those the papers count."""

from __future__ import annotations

import pytest
import torch

from intarsia.architectures.mask2former import build

_COCO, _ADE20K = 133, 150

# Cheng et al. 2022 (arXiv:2112.01527), "#params." in millions: table 1 (panoptic COCO, 100 queries; 200 with Swin-L).
_PAPER = [
    ("resnet50", 100, 44),
    ("resnet101", 100, 63),
    ("swin_tiny_patch4_window7_224", 100, 47),
    ("swin_small_patch4_window7_224", 100, 69),
    ("swin_base_patch4_window12_384", 100, 107),
    ("swin_large_patch4_window12_384", 200, 216),
]


def _count(encoder: str, queries: int, num_classes: int) -> int:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=num_classes, encoder=encoder, queries=queries)
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("encoder", "queries", "millions"), _PAPER)
def test_as_many_parameters_as_in_the_paper(encoder: str, queries: int, millions: int) -> None:
    assert round(_count(encoder, queries, _COCO) / 1e6) == millions


def test_the_defaults_are_the_papers_smallest() -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=_ADE20K)
    assert sum(parameter.numel() for parameter in network.parameters()) == 44_041_367
