"""What is added to its input: residual blocks, whose last convolution has no ReLU of its own."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.conv import normalization


def conv_norm(
    in_channels: int, out_channels: int, norm: str = "batch", *, kernel_size: int = 3, stride: int = 1
) -> nn.Sequential:
    """Convolution and normalisation, for what is added to something else before its ReLU, or has none.

    Like :class:`~intarsia.nn.conv.ConvNormReLU` without the ReLU, whose gain its weights therefore lack at the start.

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: "batch" or "group".
        kernel_size: pixels a side, odd.
        stride: ≥ 1.
    """
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
    return nn.Sequential(conv, normalization(norm, out_channels))


class Residual(nn.Module):
    """A body beside a shortcut, their results added (He et al. 2016, arXiv:1512.03385, §3.2).

    Args:
        body: what is learned.
        shortcut: brings the input to the body's size and channels; by default they are the same.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch out_channels out_rows out_columns"]:
        """The sum."""
        total: Tensor = self.body(features) + self.shortcut(features)
        return total
