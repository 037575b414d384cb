"""Depthwise convolutions of wide dilation, at the speed of those of none."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

# Up to here oneDNN has a fast kernel; wider ones, as in the pyramids of DeepLab, it computes 20 times slower.
_FAST_DILATION = 6


def spread_depthwise(
    features: Float[Tensor, "batch channels height width"],
    weight: Float[Tensor, "channels 1 kernel kernel"],
    bias: Float[Tensor, " channels"] | None,
    dilation: int,
) -> Float[Tensor, "batch channels height width"]:
    """A dilated depthwise convolution with zero padding and stride 1, computed as an ordinary one.

    Cells a dilation apart never meet the others: they are set out as images of their own, convolved, and put back
    (Chen et al. 2016, arXiv:1606.00915, §3.1, the second of its two ways). Same result, but for rounding.

    Args:
        features: any float; fastest where channels are innermost (``torch.channels_last``).
        weight: the kernels, of odd side.
        bias: added to the result.
        dilation: cells between taps, ≥ 1.
    """
    batch, channels, height, width = features.shape
    # Taps that reach beyond the far border from everywhere are the same however far they reach.
    down, right = min(dilation, height), min(dilation, width)
    rows, columns = -(-height // down), -(-width // right)
    cells = functional.pad(features, (0, columns * right - width, 0, rows * down - height)).permute(0, 2, 3, 1)
    apart = cells.reshape(batch, rows, down, columns, right, channels).permute(0, 2, 4, 1, 3, 5)
    images = apart.reshape(batch * down * right, rows, columns, channels).permute(0, 3, 1, 2)
    convolved = functional.conv2d(images, weight, bias, padding=weight.shape[-1] // 2, groups=channels)
    apart = convolved.permute(0, 2, 3, 1).reshape(batch, down, right, rows, columns, channels)
    cells = apart.permute(0, 3, 1, 4, 2, 5).reshape(batch, rows * down, columns * right, channels)
    return cells[:, :height, :width].permute(0, 3, 1, 2)


class SpreadDepthwise(nn.Module):
    """:func:`spread_depthwise` in place of a module.

    Args:
        conv: whose weights it takes over, see :func:`is_slow`.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.dilation = conv.dilation[0]

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """See :func:`spread_depthwise`."""
        return spread_depthwise(features, self.weight, self.bias, self.dilation)


def is_slow(module: nn.Module) -> bool:
    """Whether a module is a depthwise convolution that a CPU computes slowly and :class:`SpreadDepthwise` can."""
    if type(module) is not nn.Conv2d or not module.groups == module.in_channels == module.out_channels:
        return False
    side, dilation = module.kernel_size[0], module.dilation[0]
    square = module.kernel_size == (side, side) and module.dilation == (dilation, dilation) and side % 2 == 1
    keeps_size = module.stride == (1, 1) and module.padding == (dilation * (side // 2),) * 2
    return square and keeps_size and module.padding_mode == "zeros" and dilation > _FAST_DILATION
