"""Logits equal segmentation_models_pytorch's UnetPlusPlus, the weights of one random network in both."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.unetplusplus import UNetPlusPlus, build
from intarsia.architectures.unetplusplus.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise

_WIDTHS = (128, 64, 32, 16, 8)


@pytest.fixture(params=["resnet18", "tu-mobilenetv3_small_050", "tu-test_resnet", "tu-test_convnext"])
def pair(request: pytest.FixtureRequest) -> tuple[UNetPlusPlus, nn.Module]:
    return _pair(request.param, 5)


def _pair(encoder: str, depth: int) -> tuple[UNetPlusPlus, nn.Module]:
    torch.manual_seed(0)
    ours = build(in_channels=3, num_classes=4, encoder=encoder.removeprefix("tu-"), depth=depth, base_width=8)
    theirs = smp.UnetPlusPlus(
        encoder, encoder_depth=depth, encoder_weights=None, decoder_channels=_WIDTHS[-depth:], in_channels=3, classes=4
    )
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), layout))
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(pair: tuple[UNetPlusPlus, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


def test_equal_in_training(pair: tuple[UNetPlusPlus, nn.Module]) -> None:
    ours, theirs = pair
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


@pytest.mark.parametrize("depth", [3, 4])
def test_equal_at_less_depth(depth: int) -> None:
    ours, theirs = _pair("resnet18", depth)
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 96))


def test_what_we_write_is_what_they_read() -> None:
    ours = build(in_channels=3, num_classes=4, encoder="resnet18", base_width=8)
    theirs = smp.UnetPlusPlus("resnet18", encoder_weights=None, decoder_channels=_WIDTHS, classes=4)
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS["smp"](ours)))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: UNetPlusPlus, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
