"""Parameters at full size are those the paper counts."""

from __future__ import annotations

import torch

from intarsia.architectures.oneformer import build


def _count(encoder: str, queries: int, num_classes: int) -> int:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=num_classes, encoder=encoder, queries=queries)
    return sum(parameter.numel() for parameter in network.parameters())


def test_as_many_parameters_as_in_the_paper() -> None:
    # Jain et al. 2023 (arXiv:2211.06220), tables 1 to 3: OneFormer with Swin-L has 219 M, the text encoder, which only
    # its training needs, not counted.
    for num_classes in (19, 133, 150):
        assert round(_count("swin_large_patch4_window12_384", 250, num_classes) / 1e6) == 219


def test_the_published_tiny_one_has_as_many_as_here() -> None:
    assert _count("swin_tiny_patch4_window7_224", 150, 150) == 50_736_401
