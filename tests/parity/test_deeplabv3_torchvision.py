"""Logits equal torchvision's DeepLabV3, with the weights of one random network copied to the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.segmentation import deeplabv3_resnet50

from intarsia.architectures.deeplabv3 import DeepLabV3, build
from intarsia.architectures.deeplabv3.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise

_CLASSES = 4


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=_CLASSES, aux_loss=True)
    randomise(network)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # or training would be random
    return network


@pytest.fixture(scope="module")
def ours(theirs: nn.Module) -> DeepLabV3:
    network = build(in_channels=3, num_classes=_CLASSES, output_stride=8, dropout=0.0)
    layout = LAYOUTS["torchvision"](network)
    network.load_state_dict(from_layout(theirs.state_dict(), network.state_dict(), layout))
    return network


def test_the_round_trip_gives_their_tensors_less_the_auxiliary_head(ours: DeepLabV3, theirs: nn.Module) -> None:
    written = to_layout(ours.state_dict(), LAYOUTS["torchvision"](ours))
    published = {key: tensor for key, tensor in theirs.state_dict().items() if not key.startswith("aux_classifier.")}
    assert written.keys() == published.keys()
    assert all(torch.equal(written[key], tensor) for key, tensor in published.items())


def test_equal_in_evaluation(ours: DeepLabV3, theirs: nn.Module) -> None:
    _assert_equal(ours.eval(), theirs.eval(), torch.randn(1, 3, 64, 96))


def test_equal_in_training(ours: DeepLabV3, theirs: nn.Module) -> None:
    _assert_equal(ours.train(), theirs.train(), torch.randn(2, 3, 48, 64))


def _assert_equal(ours: DeepLabV3, theirs: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = theirs(image)["out"]
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
