"""Twice the size, by one of three rules."""

from __future__ import annotations

from torch import nn

from intarsia.nn.arguments import check_choice

UPSAMPLINGS = ("bilinear", "nearest", "transposed")


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
