from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from intarsia import architectures
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict import accelerate as module
from intarsia.predict.accelerate import accelerate
from intarsia.predict.depthwise import SpreadDepthwise
from intarsia.predict.device import autocast
from intarsia.types import SemanticLogits

CPU = torch.device("cpu")
SEPARABLE: dict[str, Any] = {"encoder": "lcnet_050", "width": 8}
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("unet", {"depth": 2, "base_width": 4}),
    ("unet", {"depth": 2, "base_width": 4, "upsampling": "transposed", "norm": "group"}),
    ("unet", {"encoder": "mobilenetv3_small_050", "base_width": 4}),
    ("deeplabv3plus", SEPARABLE),
    ("segformer", {"width": 16}),
]


def build(name: str, arguments: dict[str, Any]) -> SegmentationNetwork:
    """A network whose normalisations do something."""
    torch.manual_seed(0)
    network = architectures.build(name, in_channels=2, num_classes=3, **arguments)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None:
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
    return network.eval()


def logits(network: SegmentationNetwork, image: Tensor) -> Tensor:
    with torch.inference_mode():
        output = network(image)
    assert isinstance(output, SemanticLogits)
    return output.logits


@pytest.mark.parametrize(("name", "arguments"), NETWORKS)
def test_it_predicts_the_same(name: str, arguments: dict[str, Any]) -> None:
    network, image = build(name, arguments), torch.rand(2, 2, 97, 66)
    expected = logits(network, image)
    fast = accelerate(network, 2)
    torch.testing.assert_close(logits(fast, image), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(("name", "arguments"), NETWORKS)
def test_rounded_weights_change_nothing_under_autocast(name: str, arguments: dict[str, Any]) -> None:
    network, image = build(name, arguments), torch.rand(2, 2, 40, 40)
    with autocast("bf16", CPU):
        expected = logits(accelerate(network, 2), image)
        found = logits(accelerate(network, 2, "bf16"), image)
    assert torch.equal(found, expected)


def test_weights_that_autocast_rounds_are_rounded_and_no_others() -> None:
    fast = accelerate(build("segformer", {"width": 16}), 2, "bf16")
    dtypes = {name: parameter.dtype for name, parameter in fast.named_parameters()}
    assert dtypes["encoder.stages.0.embedding.conv.weight"] == torch.bfloat16
    assert dtypes["encoder.stages.0.blocks.0.attention.query.weight"] == torch.bfloat16
    assert dtypes["encoder.stages.0.embedding.norm.weight"] == torch.float32


def test_normalisations_are_gone_and_channels_innermost() -> None:
    fast = accelerate(build("unet", {"depth": 2, "base_width": 4}), 2)
    assert not any(isinstance(norm, nn.BatchNorm2d) for norm in fast.modules())
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in fast.parameters() if p.ndim == 4)
    assert not any(parameter.requires_grad for parameter in fast.parameters())


def test_wide_dilations_are_spread() -> None:
    fast = accelerate(build("deeplabv3plus", {**SEPARABLE, "rates": (6, 12, 18)}), 2)
    assert sum(isinstance(conv, SpreadDepthwise) for conv in fast.modules()) == 2


def test_the_network_itself_stays_as_it_is_and_can_be_trained_on() -> None:
    network, image = build("unet", {"depth": 2, "base_width": 4}), torch.rand(1, 2, 32, 32)
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    fast = accelerate(network, 2, "bf16")
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())
    with autocast("bf16", CPU):
        before = logits(fast, image)
    torch.autograd.backward(network.train()(image).logits.sum())
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    with autocast("bf16", CPU):
        assert torch.equal(logits(fast, image), before)


def test_random_numbers_are_left_alone() -> None:
    network = build("unet", {"depth": 2, "base_width": 4})
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    accelerate(network, 2)
    assert torch.equal(torch.rand(1), expected)


def test_where_it_would_not_be_the_same_nothing_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(network: nn.Module, image: Tensor) -> None:
        next(network.parameters()).data.mul_(2)

    monkeypatch.setattr(module, "fold_batch_norms", spoil)
    network, image = build("unet", {"depth": 2, "base_width": 4}), torch.rand(1, 2, 32, 32)
    torch.testing.assert_close(logits(accelerate(network, 2), image), logits(network, image))
