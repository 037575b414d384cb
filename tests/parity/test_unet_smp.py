"""Logits equal segmentation_models_pytorch's Unet, with the weights of one tiny random network copied to the other."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from intarsia.architectures.unet import UNet, build


def _as_smp_names(ours: str, encoder_prefix: str) -> str:
    """The key in smp.Unet's state dict of a key in ours."""
    part, _, rest = ours.partition(".")
    if part == "head":
        return f"segmentation_head.0.{rest}"
    if part == "encoder":
        return f"encoder.{encoder_prefix}{rest.removeprefix('features.')}"
    blocks, block, _, conv, layer, kind = rest.split(".")
    return f"decoder.{blocks}.{block}.conv{int(conv) + 1}.{layer}.{kind}"


def _randomise(network: nn.Module) -> dict[str, Tensor]:
    """Give weights and running statistics values that differ everywhere, so that a swapped pair would show."""
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith(("running_var", "bn1.weight", "bn2.weight", "1.weight")):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
    return state


@pytest.fixture(params=[("resnet18", "resnet18", ""), ("mobilenetv3_small_050", "tu-mobilenetv3_small_050", "model.")])
def pair(request: pytest.FixtureRequest) -> tuple[UNet, nn.Module]:
    return _pair(*request.param)


def _pair(encoder: str, smp_encoder: str, prefix: str) -> tuple[UNet, nn.Module]:
    torch.manual_seed(0)
    ours = build(in_channels=3, num_classes=4, encoder=encoder)
    theirs = smp.Unet(smp_encoder, encoder_weights=None, in_channels=3, classes=4)
    theirs.load_state_dict({_as_smp_names(name, prefix): tensor for name, tensor in _randomise(ours).items()})
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(pair: tuple[UNet, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, *size))


def test_equal_in_training(pair: tuple[UNet, nn.Module]) -> None:
    ours, theirs = pair
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 64, 96))


def test_equal_where_the_encoder_starts_at_stride_four() -> None:
    ours, theirs = _pair("test_convnext", "tu-test_convnext", "model.")
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(2, 3, 64, 96))


def _assert_equal(ours: UNet, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
