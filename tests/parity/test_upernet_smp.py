"""Logits equal segmentation_models_pytorch's UPerNet, with the weights of one random network copied to the other."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.upernet import UPerNet, build
from intarsia.architectures.upernet.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise


def _pair(encoder: str) -> tuple[UPerNet, nn.Module]:
    torch.manual_seed(0)
    ours = build(
        in_channels=3,
        num_classes=4,
        encoder=encoder.removeprefix("tu-"),
        width=32,
        feature_norm=True,
        align_corners=True,
    )
    theirs = smp.UPerNet(encoder, encoder_weights=None, decoder_channels=32, classes=4)
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), layout))
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 160)], ids=str)
@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv2_035", "tu-test_convnext"])
def test_equal_in_evaluation(encoder: str, size: tuple[int, int]) -> None:
    ours, theirs = _pair(encoder)
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


def test_equal_in_training() -> None:
    ours, theirs = _pair("tu-test_resnet")
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


def test_what_we_write_is_what_they_read() -> None:
    ours, theirs = _pair("tu-test_resnet")
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS["smp-universal"](ours)))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: UPerNet, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
