"""Full-size parameter counts, against the authors'."""

from __future__ import annotations

import pytest
import torch

from intarsia.architectures.vit import build


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        # https://github.com/facebookresearch/dinov2, README; roughly rounded, and without position embeddings.
        ("vit_small_patch14_dinov2", 21),
        ("vit_base_patch14_dinov2", 86),
        ("vit_large_patch14_dinov2", 300),
        ("vit_giant_patch14_dinov2", 1100),
        # https://github.com/facebookresearch/dinov3, MODEL_CARD.
        ("vit_small_patch16_dinov3", 21),
        ("vit_small_plus_patch16_dinov3", 29),
        ("vit_base_patch16_dinov3", 86),
        ("vit_large_patch16_dinov3", 300),
        ("vit_huge_plus_patch16_dinov3", 840),
        ("vit_7b_patch16_dinov3", 6716),
    ],
)
def test_encoder(name: str, millions: int) -> None:
    with torch.device("meta"):
        encoder = build(in_channels=3, num_classes=2, encoder=name).encoder
    count = sum(parameter.numel() for key, parameter in encoder.named_parameters() if "pos_embed" not in key)
    assert count / 1e6 == pytest.approx(millions, rel=0.035)


def test_the_heads() -> None:
    assert _head_count("linear") == 2 * 1536 + 19 * (
        1536 + 1
    )  # batch normalisation of 4 × 384 channels, 1×1 convolution
    reduced = 1536 * 256 + 2 * 256
    refined = 2 * (256 * 256 * 9 + 2 * 256)
    assert _head_count("progressive") == 2 * 1536 + reduced + refined + 19 * (256 + 1)


def _head_count(head: str) -> int:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=19, head=head)
    return sum(parameter.numel() for part in (network.decoder, network.head) for parameter in part.parameters())
