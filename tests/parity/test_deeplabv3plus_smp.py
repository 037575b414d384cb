"""Logits equal segmentation_models_pytorch's DeepLabV3Plus, with the weights of one random network copied across."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.deeplabv3plus import DeepLabV3Plus, build
from intarsia.architectures.deeplabv3plus.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise

_CASES = [
    ("resnet18", True),
    ("resnet18", False),
    ("tu-test_resnet", True),
    ("tu-mobilenetv2_035", True),
    ("tu-xception41", True),
]


def _pair(encoder: str, separable: bool) -> tuple[DeepLabV3Plus, nn.Module]:
    torch.manual_seed(0)
    variant = "smp-universal" if encoder.startswith("tu-") else "smp"
    ours = build(
        in_channels=3,
        num_classes=4,
        encoder=encoder.removeprefix("tu-"),
        width=16,
        separable=separable,
        dropout=0.0,
        variant=variant,
    )
    theirs = smp.DeepLabV3Plus(
        encoder,
        encoder_weights=None,
        decoder_channels=16,
        decoder_aspp_separable=separable,
        decoder_aspp_dropout=0.0,
        classes=4,
    )
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), LAYOUTS[variant](ours)))
    return ours, theirs


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_equal_in_evaluation(case: tuple[str, bool]) -> None:
    ours, theirs = _pair(*case)
    # Wide enough for every tap of the widest dilation, 36 cells, to meet features.
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 640))


@pytest.mark.parametrize("encoder", ["resnet18", "tu-test_resnet"])
def test_equal_in_training(encoder: str) -> None:
    ours, theirs = _pair(encoder, separable=True)
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


@pytest.mark.parametrize("encoder", ["resnet18", "tu-test_resnet"])
def test_what_we_write_is_what_they_read(encoder: str) -> None:
    ours, theirs = _pair(encoder, separable=True)
    randomise(ours)
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), layout))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: DeepLabV3Plus, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
