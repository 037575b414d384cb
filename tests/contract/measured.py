"""How far a network looks, measured by lighting single input lines and looking where the output is not dark."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from intarsia.ops.mask_queries import semantic_scores
from intarsia.types import MaskQueries


def measured_receptive_field(network: nn.Module, in_channels: int, stride: int, length: int) -> int:
    """The longest stretch of input, along either axis, that one output pixel depends on, over every phase of the grid.

    All biases are made zero and most weights positive (which changes the network), so that black gives exactly zero, no
    ReLU ends every path, and a lit line shows exactly where it is seen.

    Args:
        network: whose normalisation, in evaluation, turns zero into zero.
        in_channels: of the image.
        stride: after which the grid repeats.
        length: of the strip of image it is measured on, more than twice a stride longer than the result.
    """
    _light_up(network.eval())
    return max(_along(network, in_channels, stride, length, axis) for axis in (2, 3))


def ends_see_each_other(network: nn.Module, in_channels: int, stride: int, length: int) -> bool:
    """Whether the last column of a random strip of image changes the logits of its first column."""
    network.eval()
    image = torch.rand(1, in_channels, stride, length)
    other = image.clone()
    other[..., -1] = 1 - other[..., -1]
    return bool((_logits(network, image)[..., 0] != _logits(network, other)[..., 0]).any())


def _along(network: nn.Module, in_channels: int, stride: int, length: int, axis: int) -> int:
    middle = length // 2 // stride * stride
    images = torch.zeros(stride, in_channels, *((length, stride) if axis == 2 else (stride, length)))
    for phase in range(stride):
        images[phase].select(axis - 1, middle + phase).fill_(1)
    seen = _logits(network, images).abs().sum(dim=(1, 5 - axis)) > 0
    assert not seen[:, [0, -1]].any(), "the strip is too short to tell"
    # What one line reaches from each phase says what each phase of the output sees, for the grid repeats.
    pairs = [(int(line), middle + phase) for phase in range(stride) for line in seen[phase].nonzero()]
    offsets = [[lit - line for line, lit in pairs if line % stride == phase] for phase in range(stride)]
    return max(max(found) - min(found) + 1 for found in offsets)


def _logits(network: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        output = network(image)
    logits: Tensor = semantic_scores(output) if isinstance(output, MaskQueries) else output.logits
    return logits


def _light_up(network: nn.Module) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim < 2:
                parameter.fill_(1)
            else:  # averages, so that nothing overflows; not all positive, for layer normalisation has a mean of zero
                parameter.uniform_(-0.5, 1.5).div_(parameter[0].numel())
