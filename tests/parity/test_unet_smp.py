"""Logits equal segmentation_models_pytorch's Unet, with the weights of one random network copied to the other."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.unet import UNet, build
from intarsia.architectures.unet.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise


@pytest.fixture(params=["resnet18", "tu-mobilenetv3_small_050"])
def pair(request: pytest.FixtureRequest) -> tuple[UNet, nn.Module]:
    return _pair(request.param)


def _pair(encoder: str, **theirs_only: int) -> tuple[UNet, nn.Module]:
    torch.manual_seed(0)
    depth = theirs_only.get("encoder_depth")
    ours = build(in_channels=3, num_classes=4, encoder=encoder.removeprefix("tu-"), depth=depth)
    channels = (256, 128, 64, 32, 16)[-(depth or 5) :]
    theirs = smp.Unet(encoder, encoder_weights=None, decoder_channels=channels, in_channels=3, classes=4, **theirs_only)
    layout = LAYOUTS["smp-universal" if encoder.startswith("tu-") else "smp"](ours)
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), layout))
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(pair: tuple[UNet, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


def test_equal_in_training(pair: tuple[UNet, nn.Module]) -> None:
    ours, theirs = pair
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


def test_equal_where_the_encoder_starts_at_stride_four() -> None:
    ours, theirs = _pair("tu-test_convnext")
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, 64, 96))


def test_equal_where_the_coarsest_stages_are_unused() -> None:
    ours, theirs = _pair("resnet18", encoder_depth=3)
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, 64, 96))


@pytest.mark.parametrize(("encoder", "layout"), [("resnet18", "smp"), ("test_convnext", "smp-universal")])
def test_what_we_write_is_what_they_read(encoder: str, layout: str) -> None:
    ours = build(in_channels=3, num_classes=4, encoder=encoder)
    theirs = smp.Unet(f"tu-{encoder}" if layout == "smp-universal" else encoder, encoder_weights=None, classes=4)
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS[layout](ours)))
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 64))


def _assert_equal(ours: UNet, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
