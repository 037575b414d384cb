"""DINOv2's segmenters, both ways."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.vit import ViT, build
from intarsia.architectures.vit.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout


def _network(encoder: str = "vit_small_patch14_dinov2", levels: int = 1, head: str = "linear") -> ViT:
    return build(in_channels=3, num_classes=2, encoder=encoder, levels=levels, head=head)


def test_the_round_trip_changes_nothing() -> None:
    network = _network()
    layout = LAYOUTS["dinov2"](network)
    written = to_layout(network.state_dict(), layout)
    assert {"pos_embed", "blocks.11.mlp.fc2.bias", "decode_head.bn.running_mean", "decode_head.conv_seg.bias"} < set(
        written
    )
    other = _network()
    other.load_state_dict(from_layout(written, other.state_dict(), layout))
    assert all(torch.equal(tensor, other.state_dict()[key]) for key, tensor in network.state_dict().items())


def test_a_missing_and_a_misshapen_tensor_are_named() -> None:
    network = _network()
    layout = LAYOUTS["dinov2"](network)
    written = to_layout(network.state_dict(), layout)
    four_levels = {**written, "decode_head.bn.weight": torch.ones(1536)}
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(decode_head.bn.weight\)"):
        from_layout(four_levels, network.state_dict(), layout)
    del written["decode_head.conv_seg.bias"]
    with pytest.raises(ModelFileError, match=r"DINOv2's layout: 1 tensors are missing \(decode_head.conv_seg.bias\)"):
        from_layout(written, network.state_dict(), layout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 4}, r"which has levels=4\. Build the network with levels=1\."),
        ({"head": "progressive"}, r"which has head=progressive\. Build the network with head=linear\."),
        (
            {"encoder": "vit_tiny_patch16_224"},
            r"has encoder=vit_tiny_patch16_224\. .*encoder=vit_small_patch14_dinov2 or",
        ),
        (
            {"encoder": "vit_small_patch14_reg4_dinov2"},
            r"has encoder=vit_small_patch14_reg4_dinov2\. Build the network",
        ),
    ],
    ids=str,
)
def test_networks_of_another_form_are_refused(arguments: dict[str, Any], message: str) -> None:
    with torch.device("meta"):
        network = _network(**arguments)
    with pytest.raises(ModelFileError, match=message):
        LAYOUTS["dinov2"](network)
