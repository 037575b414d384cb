from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from intarsia.nn.complexity import count_macs, count_parameters, peak_memory


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4))


def test_parameters_are_counted() -> None:
    assert count_parameters(chain()) == (3 * 9 + 1) * 8 + (8 + 1) * 4 + 8


def test_macs_of_convolutions_are_their_taps() -> None:
    assert count_macs(chain(), 3, 20, 30) == 20 * 30 * (3 * 9 * 8 + 8 * 4)


def test_macs_of_a_known_network_are_the_published_ones() -> None:
    """torchvision publishes 1.81 G for ResNet-18 at 224² (`ResNet18_Weights.IMAGENET1K_V1.meta["_ops"]`)."""
    published = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["_ops"]
    assert count_macs(torchvision.models.resnet18(), 3, 224, 224) / 1e9 == pytest.approx(published, abs=0.005)


def test_memory_is_the_weights_and_the_most_that_is_alive_at_once() -> None:
    network, pixels = chain(), 20 * 30
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    # The image is held by its caller; then the widest moment is that of the second convolution: 8 channels in, 4 out.
    assert peak_memory(network, 3, 20, 30) == weights + 4 * pixels * (3 + 8 + 4)


def test_memory_counts_the_weights_of_linear_layers_once() -> None:
    network = nn.Linear(30, 5)  # over the columns; it multiplies by the transpose of its weights
    assert peak_memory(network, 3, 20, 30) == 4 * (30 * 5 + 5 + 3 * 20 * (30 + 5))


def test_memory_of_attention() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(16, 16, bias=False) for _ in range(3))

        def forward(self, image: Tensor) -> Tensor:
            query, key, value = self.query(image), self.key(image), self.value(image)
            found: Tensor = (query @ key.transpose(-1, -2)).softmax(-1) @ value
            return found

    # Image, queries, keys and values are held; the widest moment is that of the scores and their softmax.
    tokens = 100
    assert peak_memory(Attention(), 1, tokens, 16) == 4 * (3 * 16 * 16 + 4 * tokens * 16 + 2 * tokens * tokens)


def test_memory_follows_the_precision() -> None:
    network = nn.Conv2d(3, 8, 1, bias=False)
    assert peak_memory(network.bfloat16(), 3, 8, 8) == 2 * (24 + 64 * (3 + 8))


def test_nothing_is_run_and_nothing_changes() -> None:
    class Nosy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, image: Tensor) -> Tensor:
            assert image.is_meta
            assert not self.training
            normalized: Tensor = self.norm(image)
            return normalized

    network = Nosy().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count_macs(network, 3, 4, 4)
    assert network.norm.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
