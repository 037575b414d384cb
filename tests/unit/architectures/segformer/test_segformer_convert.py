"""Every program's layout, both ways, and what does not fit it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from intarsia.architectures.segformer import SegFormer, build
from intarsia.architectures.segformer.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout, from_layout, to_layout


def _network(program: str, size: str = "b0") -> SegFormer:
    return build(
        in_channels=3,
        num_classes=2,
        size=size,
        width=8,
        projection_norm=program == "mmsegmentation",
        align_corners=program == "smp",
    )


def _written(program: str) -> tuple[SegFormer, Layout, dict[str, Tensor]]:
    network = _network(program)
    layout = LAYOUTS[program](network)
    return network, layout, to_layout(network.state_dict(), layout)


@pytest.mark.parametrize("program", LAYOUTS)
def test_the_round_trip_changes_nothing(program: str) -> None:
    network, layout, written = _written(program)
    read = from_layout(written, _network(program).state_dict(), layout)
    assert read.keys() == network.state_dict().keys()
    assert all(torch.equal(tensor, read[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("program", "key", "shape"),
    [
        ("transformers", "segformer.encoder.block.1.0.attention.self.key.weight", (64, 64)),
        ("transformers", "decode_head.linear_fuse.weight", (8, 32, 1, 1)),
        ("nvlabs", "backbone.block2.0.attn.kv.weight", (128, 64)),
        ("nvlabs", "decode_head.linear_c4.proj.weight", (8, 256)),
        ("smp", "decoder.mlp_stage.0.linear.weight", (8, 256)),
        ("mmsegmentation", "backbone.layers.1.1.0.attn.attn.in_proj_bias", (192,)),
        ("mmsegmentation", "backbone.layers.1.1.0.ffn.layers.4.weight", (64, 256, 1, 1)),
        ("mmsegmentation", "decode_head.convs.3.bn.running_var", (8,)),
    ],
)
def test_a_missing_an_unknown_and_a_misshapen_tensor_are_named(program: str, key: str, shape: tuple[int, ...]) -> None:
    network, layout, written = _written(program)
    assert written[key].shape == shape
    with pytest.raises(ModelFileError, match=rf"{program}'s layout: 1 tensors are of another shape \({key}\)"):
        from_layout({**written, key: torch.zeros(3)}, network.state_dict(), layout)
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(neck.weight\)"):
        from_layout({**written, "neck.weight": torch.zeros(3)}, network.state_dict(), layout)
    del written[key]
    with pytest.raises(ModelFileError, match=rf"1 tensors are missing \({key}\)"):
        from_layout(written, network.state_dict(), layout)


@pytest.mark.parametrize("program", LAYOUTS)
def test_a_checkpoint_of_another_size_is_refused(program: str) -> None:
    _, _, written = _written(program)
    other = _network(program, size="b2")
    with pytest.raises(ModelFileError, match="tensors are missing"):
        from_layout(written, other.state_dict(), LAYOUTS[program](other))


@pytest.mark.parametrize(
    ("program", "built_for", "remedy"),
    [
        ("mmsegmentation", "transformers", "projection_norm=True"),
        ("transformers", "mmsegmentation", "projection_norm=False"),
        ("smp", "nvlabs", "align_corners=True"),
        ("smp", "mmsegmentation", "projection_norm=False, align_corners=True"),
        ("nvlabs", "smp", "align_corners=False"),
    ],
)
def test_a_decoder_of_another_form_is_refused(program: str, built_for: str, remedy: str) -> None:
    with pytest.raises(ModelFileError, match=rf"{program} computes something else.*Build the network with {remedy}"):
        LAYOUTS[program](_network(built_for))
