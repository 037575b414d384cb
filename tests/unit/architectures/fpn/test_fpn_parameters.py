from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from intarsia.architectures.fpn import build


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# PVT (Wang et al. 2021, arXiv:2102.12122), table of semantic segmentation on the 150 classes of ADE20K: Semantic FPN,
# in millions. Its 15.5 for ResNet-18 is not reached (15.43 here, 15.45 with a stem of three convolutions).
@pytest.mark.parametrize(("encoder", "millions"), [("resnet50", 28.5), ("resnet101", 47.5)])
def test_as_the_field_states_it(encoder: str, millions: float) -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=150, encoder=encoder)
    assert round(_count(network) / 1e6, 1) == millions


def test_layer_by_layer() -> None:
    laterals = sum((channels + 1) * 256 for channels in (256, 512, 1024, 2048))
    smoothing = 4 * (256 * 9 + 1) * 256
    # One convolution for each level, and one more for each further doubling; each with its normalisation.
    branches = (4 * 256 + 3 * 128) * 128 * 9 + 7 * 2 * 128
    head = (128 + 1) * 21
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21)
    assert _count(network) == 23_508_032 + laterals + smoothing + branches + head == 28_478_933  # ResNet-50 first


@pytest.mark.parametrize(("merge", "policy"), [("sum", "add"), ("concatenate", "cat")])
def test_as_many_as_in_smp(merge: str, policy: str) -> None:
    with torch.device("meta"):
        ours = build(in_channels=3, num_classes=21, merge=merge, smooth=False, align_corners=True)
        theirs = smp.FPN("resnet50", encoder_weights=None, classes=21, decoder_merge_policy=policy)
    assert _count(ours) == _count(theirs)
    assert merge != "sum" or _count(ours) == 26_118_613
