"""Small networks whose receptive field is worked out by hand; tests/contract measures those of whole architectures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from intarsia.nn.receptive_field import margin, receptive_field


class _Gated(nn.Module):
    """Squeeze and excitation in its smallest form."""

    def forward(self, image: Tensor) -> Tensor:
        return image * image.mean(dim=(2, 3), keepdim=True)


class _Permuted(nn.Module):
    """A linear layer over the channels, as ConvNeXt writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2)
        self.linear = nn.Linear(2, 2)

    def forward(self, image: Tensor) -> Tensor:
        mixed: Tensor = self.linear(self.norm(image.permute(0, 2, 3, 1)))
        return mixed.permute(0, 3, 1, 2) + image


class _Halves(nn.Module):
    """Looks far in one half of the channels only."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, image: Tensor) -> Tensor:
        first, second = image.chunk(2, dim=1)
        return torch.cat([self.conv(first), second], dim=1)[:, :, :-1]


class _Assigned(nn.Module):
    """Writes into part of a tensor, which is not followed."""

    def forward(self, image: Tensor) -> Tensor:
        result = torch.zeros_like(image)
        result[:, :, 1:] = image[:, :, :-1]
        return result


def _conv(size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(2, 2, size, stride, padding, dilation)


@pytest.mark.parametrize(
    ("layers", "stride", "side"),
    [
        ([_conv(1)], 1, 1),
        ([_conv(3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), _conv(3, padding=1)], 1, 5),
        ([_conv(3, padding=2, dilation=2)], 1, 5),
        ([_conv(4, padding=1, stride=2), _conv(3, padding=1), nn.Upsample(scale_factor=2)], 2, 8),
        # Bilinear resizing by two mixes two neighbours; pooled, each is two pixels wide.
        ([nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear")], 2, 4),
        ([nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="nearest")], 2, 2),
        # Taps of a transposed convolution overlap when its kernel is larger than its stride.
        ([nn.MaxPool2d(2), nn.ConvTranspose2d(2, 2, 2, stride=2)], 2, 2),
        ([nn.MaxPool2d(2), nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1)], 2, 4),
        ([nn.ReplicationPad2d((3, 0, 0, 0)), _conv(4)], 1, 4),
        ([nn.Conv2d(2, 2, (1, 7), padding="same")], 1, 7),
        ([_Permuted(), _conv(3, padding=1)], 1, 3),
        ([_Halves(), _conv(3, padding=1)], 1, 7),
        ([_conv(301, padding=150)], 1, 301),
    ],
)
def test_hand_worked(layers: list[nn.Module], stride: int, side: int) -> None:
    assert receptive_field(nn.Sequential(*layers), in_channels=2, stride=stride) == side


@pytest.mark.parametrize(
    ("layers", "stride", "before", "after"),
    [
        ([_conv(1)], 1, 0, 0),
        ([_conv(3, padding=1), _conv(3, padding=1)], 1, 2, 2),
        ([nn.ReplicationPad2d((3, 0, 3, 0)), _conv(4)], 1, 3, 0),  # each pixel and the three before it
        ([nn.AvgPool2d(4), nn.Upsample(scale_factor=4, mode="nearest")], 4, 3, 3),  # a cell's first looks at its last
    ],
)
def test_hand_worked_margins(layers: list[nn.Module], stride: int, before: int, after: int) -> None:
    assert margin(nn.Sequential(*layers), in_channels=2, stride=stride) == (before, after)


def test_aligned_corners_leave_no_margin_though_they_look_no_farther() -> None:
    resized = [nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)]
    assert receptive_field(nn.Sequential(*resized), in_channels=2, stride=2) is not None
    assert margin(nn.Sequential(*resized), in_channels=2, stride=2) is None


def test_a_grid_coarser_than_was_said_leaves_no_margin() -> None:
    network = nn.Sequential(nn.AvgPool2d(4), nn.Upsample(scale_factor=4, mode="nearest"))
    assert margin(network, in_channels=2, stride=2) is None


@pytest.mark.parametrize(
    "layer",
    [
        _Gated(),
        _Assigned(),
        nn.GroupNorm(1, 2),
        nn.InstanceNorm2d(2),
        nn.Softmax2d(),
        nn.Upsample(scale_factor=1, mode="bicubic"),
        nn.LayerNorm([256, 256]),
        nn.CircularPad2d(1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_looks_everywhere_or_is_not_known_is_the_whole_image(layer: nn.Module) -> None:
    network = nn.Sequential(_conv(3, padding=1), layer)
    assert receptive_field(network, in_channels=2, stride=1) is None
    assert margin(network, in_channels=2, stride=1) is None


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(_conv(3, padding=1), nn.BatchNorm2d(2), nn.Dropout())
    network[2].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    receptive_field(network, in_channels=2, stride=1)
    assert [module.training for module in network] == [True, True, False]
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
