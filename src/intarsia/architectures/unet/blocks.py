"""What both arms of the U are made of."""

from __future__ import annotations

from torch import nn

from intarsia.nn.arguments import check_choice
from intarsia.nn.conv import ConvNormReLU

UPSAMPLINGS = ("bilinear", "nearest", "transposed")


class DoubleConv(nn.Sequential):
    """Twice 3×3 convolution, normalisation, ReLU; height and width stay.

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: "batch" or "group".
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__(ConvNormReLU(in_channels, out_channels, norm), ConvNormReLU(out_channels, out_channels, norm))


def upsampling_layer(kind: str, in_channels: int, out_channels: int) -> nn.Module:
    """Twice the height and width, and another number of channels.

    Args:
        kind: "transposed", the paper's 2×2 up-convolution; or "bilinear" or "nearest", resizing by that rule.
        in_channels: of the features it receives.
        out_channels: of the features it returns; where resizing need not change it, there is no convolution.

    Raises:
        RecipeError: an unknown ``kind``.
    """
    check_choice("upsampling", kind, UPSAMPLINGS)
    if kind == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
    resize = nn.Upsample(scale_factor=2, mode=kind)
    if in_channels == out_channels:
        return resize
    # A 1×1 convolution mixes channels and resizing mixes pixels, so their order does not matter to the result;
    # convolving first costs a quarter.
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size=1), resize)
