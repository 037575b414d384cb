"""Logits equal those of segmentation_models_pytorch's Segformer, whose encoder has the authors' form and names.

The authors' own checkpoints differ from it in the decoder's names only, so these are read here too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from timm.layers.drop import DropPath
from torch import Tensor, nn

from intarsia.architectures.segformer import SegFormer, build
from intarsia.architectures.segformer.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout

_WIDTH = 24


def _randomise(network: nn.Module) -> None:
    """Give weights and running statistics values that differ everywhere, so that a swapped pair would show."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var") or ("norm" in name and name.endswith("weight")):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
        elif tensor.is_floating_point() and tensor.ndim > 1:
            tensor.normal_(std=1.4 * tensor[0].numel() ** -0.5)


def _reference() -> Any:
    torch.manual_seed(0)
    network = smp.Segformer("mit_b0", encoder_weights=None, decoder_segmentation_channels=_WIDTH, classes=3)
    _randomise(network)
    for module in network.modules():
        if isinstance(module, DropPath):
            module.drop_prob = 0.0
    return network


def _read(tensors: dict[str, Tensor], program: str) -> SegFormer:
    # smp enlarges its logits with aligned corners, the authors do not.
    network = build(in_channels=3, num_classes=3, width=_WIDTH, drop_path=0.0, align_corners=program == "smp")
    network.load_state_dict(from_layout(tensors, network.state_dict(), LAYOUTS[program](network)))
    assert isinstance(network.decoder.dropout, nn.Dropout2d)
    network.decoder.dropout.p = 0
    return network


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(size: tuple[int, int]) -> None:
    theirs = _reference()
    _assert_equal(_read(theirs.state_dict(), "smp").eval(), theirs.eval(), size)


def test_equal_in_training() -> None:
    theirs = _reference()
    _assert_equal(_read(theirs.state_dict(), "smp").train(), theirs.train(), (64, 96))


def test_equal_through_the_authors_names() -> None:
    theirs = _reference()
    published = {_as_the_authors(key): tensor for key, tensor in theirs.state_dict().items()}
    published["decode_head.conv_seg.weight"] = torch.zeros(3, _WIDTH, 1, 1)  # published, but without a use
    ours = _read(published, "nvlabs")
    written = to_layout(ours.state_dict(), LAYOUTS["nvlabs"](ours))
    ours.align_corners = True  # as smp, which stands for them here, and unlike the authors
    _assert_equal(ours.eval(), theirs.eval(), (64, 64))
    assert written.keys() == published.keys() - {"decode_head.conv_seg.weight"}
    assert all(torch.equal(tensor, published[key]) for key, tensor in written.items())


def test_the_encoder_starts_from_the_authors_classifier() -> None:
    theirs = _reference().eval()
    encoder = {key.removeprefix("encoder."): t for key, t in theirs.state_dict().items() if key.startswith("encoder.")}
    ours = build(in_channels=3, num_classes=3, width=_WIDTH).eval()
    ours.load_encoder_weights({**encoder, "head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)})
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(ours.encoder(image), theirs.encoder(image)[2:], rtol=1e-5, atol=1e-5)


def _as_the_authors(key: str) -> str:
    """smp's key as it is in the authors' segmentation checkpoints."""
    key = re.sub(r"^encoder\.", "backbone.", key)
    key = re.sub(
        r"^decoder\.mlp_stage\.(\d)\.linear", lambda stage: f"decode_head.linear_c{4 - int(stage[1])}.proj", key
    )
    key = re.sub(r"^decoder\.fuse_stage\.0", "decode_head.linear_fuse.conv", key)
    key = re.sub(r"^decoder\.fuse_stage\.1", "decode_head.linear_fuse.bn", key)
    return re.sub(r"^segmentation_head\.0", "decode_head.linear_pred", key)


def _assert_equal(ours: SegFormer, theirs: nn.Module, size: tuple[int, int]) -> None:
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
