"""Logits equal segmentation_models_pytorch's PSPNet, with the weights of one random network copied to the other."""

from __future__ import annotations

from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.pspnet import PSPNet, build
from intarsia.architectures.pspnet.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise

_CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cut": ("tu-test_resnet", {"depth": 3}, {}),
    "own encoder, cut": ("resnet18", {"depth": 3}, {}),
    "whole": ("resnet18", {"depth": 5}, {"encoder_depth": 5, "upsampling": 32}),
    "whole, universal": ("tu-mobilenetv2_035", {"depth": 5}, {"encoder_depth": 5, "upsampling": 32}),
    "from stride four": ("tu-test_convnext", {"depth": 3}, {}),
}


@pytest.fixture(params=_CASES)
def pair(request: pytest.FixtureRequest) -> tuple[PSPNet, nn.Module]:
    return _pair(request.param)


def _pair(case: str) -> tuple[PSPNet, nn.Module]:
    torch.manual_seed(0)
    encoder, ours_only, theirs_only = _CASES[case]
    ours = build(
        in_channels=3, num_classes=4, encoder=encoder.removeprefix("tu-"), width=32, variant="smp", **ours_only
    )
    theirs = smp.PSPNet(encoder, encoder_weights=None, psp_out_channels=32, psp_dropout=0.0, classes=4, **theirs_only)
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), layout))
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 160)], ids=str)
def test_equal_in_evaluation(pair: tuple[PSPNet, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


@pytest.mark.parametrize("case", ["cut", "whole, universal"])
def test_equal_in_training(case: str) -> None:
    ours, theirs = _pair(case)
    for module in ours.modules():  # which values dropout takes is a matter of chance
        if isinstance(module, nn.Dropout2d):
            module.p = 0
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


def test_what_we_write_is_what_they_read() -> None:
    ours, theirs = _pair("cut")
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS["smp-universal"](ours)))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: PSPNet, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
