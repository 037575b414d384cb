"""Logits equal segmentation_models_pytorch's FPN, with the weights of one random network copied to the other."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.fpn import FPN, build
from intarsia.architectures.fpn.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise


def _pair(encoder: str, merge: str = "sum") -> tuple[FPN, nn.Module]:
    torch.manual_seed(0)
    # smp normalises in 32 groups always, which is what 128 channels have here too.
    ours = build(
        in_channels=3,
        num_classes=4,
        encoder=encoder.removeprefix("tu-"),
        merge=merge,
        smooth=False,
        align_corners=True,
    )
    policy = "add" if merge == "sum" else "cat"
    theirs = smp.FPN(encoder, encoder_weights=None, decoder_merge_policy=policy, decoder_dropout=0.0, classes=4)
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), layout))
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 160)], ids=str)
@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv2_035", "tu-test_convnext"])
def test_equal_in_evaluation(encoder: str, size: tuple[int, int]) -> None:
    ours, theirs = _pair(encoder)
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


@pytest.mark.parametrize("merge", ["sum", "concatenate"])
def test_equal_in_training(merge: str) -> None:
    ours, theirs = _pair("tu-test_resnet", merge)
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


def test_what_we_write_is_what_they_read() -> None:
    ours, theirs = _pair("tu-test_resnet")
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS["smp-universal"](ours)))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: FPN, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
