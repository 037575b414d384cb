from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from intarsia import architectures
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict import accelerate as module
from intarsia.predict.accelerate import accelerate
from intarsia.predict.depthwise import SpreadDepthwise
from intarsia.predict.device import autocast

CPU = torch.device("cpu")
SEPARABLE: dict[str, Any] = {"encoder": "lcnet_050", "width": 8}
MASKS: dict[str, Any] = {"encoder": "test_resnet", "queries": 5, "width": 32, "pixel_layers": 1, "decoder_layers": 2}
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("unet", {"depth": 2, "base_width": 4}),
    ("unet", {"depth": 2, "base_width": 4, "upsampling": "transposed", "norm": "group"}),
    ("unet", {"encoder": "mobilenetv3_small_050", "base_width": 4}),
    ("deeplabv3plus", SEPARABLE),
    ("segformer", {"width": 16}),
    ("mask2former", MASKS),
]
# Batch normalisations that are left (one of SegFormer follows a sum), and how far outputs may move, as a share of the
# largest: what Mask2Former samples and normalises over and over makes more of rounding.
EXPECTED = [(0, 1e-4), (0, 1e-4), (0, 1e-4), (0, 1e-4), (1, 1e-4), (0, 1e-3)]


def build(name: str, arguments: dict[str, Any]) -> SegmentationNetwork:
    """A network whose normalisations do something."""
    torch.manual_seed(0)
    network = architectures.build(name, in_channels=2, num_classes=3, **arguments)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None:
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
    return network.eval()


def outputs(network: SegmentationNetwork, image: Tensor) -> list[Tensor]:
    """Logits, or those of classes and masks."""
    with torch.inference_mode():
        return tree_leaves(network(image))


def logits(network: SegmentationNetwork, image: Tensor) -> Tensor:
    (found,) = outputs(network, image)
    return found


@pytest.mark.parametrize(("network", "expected"), list(zip(NETWORKS, EXPECTED, strict=True)))
def test_it_predicts_the_same_without_normalisations(
    network: tuple[str, dict[str, Any]], expected: tuple[int, float]
) -> None:
    left, share = expected
    slow, image = build(*network), torch.rand(2, 2, 97, 66)
    fast = accelerate(slow, 2)
    for found, wanted in zip(outputs(fast, image), outputs(slow, image), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=share * float(wanted.abs().max()))
    assert sum(isinstance(norm, nn.BatchNorm2d) for norm in fast.modules()) == left


@pytest.mark.parametrize(("name", "arguments"), NETWORKS)
def test_rounded_weights_change_nothing_under_autocast(name: str, arguments: dict[str, Any]) -> None:
    network, image = build(name, arguments), torch.rand(2, 2, 40, 40)
    with autocast("bf16", CPU):
        expected = outputs(accelerate(network, 2), image)
        found = outputs(accelerate(network, 2, "bf16"), image)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_weights_that_autocast_rounds_are_rounded_and_no_others() -> None:
    fast = accelerate(build("segformer", {"width": 16}), 2, "bf16")
    dtypes = {name: parameter.dtype for name, parameter in fast.named_parameters()}
    assert dtypes["encoder.stages.0.embedding.conv.weight"] == torch.bfloat16
    assert dtypes["encoder.stages.0.blocks.0.attention.query.weight"] == torch.bfloat16
    assert dtypes["encoder.stages.0.embedding.norm.weight"] == torch.float32


def test_channels_are_innermost() -> None:
    fast = accelerate(build("unet", {"depth": 2, "base_width": 4}), 2)
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


def test_it_is_tried_without_the_rounding_of_cudnn() -> None:
    network, states = build("unet", {"depth": 2, "base_width": 4}), list[bool]()
    network.register_forward_pre_hook(lambda *_: states.append(torch.backends.cudnn.enabled))
    before = torch.backends.cudnn.enabled
    accelerate(network, 2)
    assert states[-2:] == [False, False]
    assert torch.backends.cudnn.enabled == before


def test_where_it_would_not_be_the_same_nothing_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(network: nn.Module, image: Tensor) -> None:
        next(network.parameters()).data.mul_(2)

    monkeypatch.setattr(module, "fold_batch_norms", spoil)
    network, image = build("unet", {"depth": 2, "base_width": 4}), torch.rand(1, 2, 32, 32)
    torch.testing.assert_close(logits(accelerate(network, 2), image), logits(network, image))
