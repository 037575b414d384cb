"""Back to a finer size: twice the height and width, merged with features that are there already."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.arguments import check_choice
from intarsia.nn.conv import DoubleConv

UPSAMPLINGS = ("bilinear", "nearest", "transposed")


def upsampling_layer(kind: str, in_channels: int, out_channels: int) -> nn.Module:
    """Twice the height and width, and another number of channels.

    Args:
        kind: "transposed", the 2×2 up-convolution of the U-Net paper; or "bilinear" or "nearest", resizing by that
            rule.
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


class UpsamplingBlock(nn.Module):
    """Upsample, set other features of that size beside the result, convolve twice.

    Args:
        upsample: doubles height and width.
        channels: of the upsampled features and those beside them together.
        out_channels: of the features it returns.
        norm: "batch" or "group".
    """

    def __init__(self, upsample: nn.Module, channels: int, out_channels: int, norm: str) -> None:
        super().__init__()
        self.upsample = upsample
        self.convs = DoubleConv(channels, out_channels, norm)

    def forward(
        self,
        coarse: Float[Tensor, "batch coarse_channels rows columns"],
        *beside: Float[Tensor, "batch _ 2*rows 2*columns"],
    ) -> Float[Tensor, "batch out_channels 2*rows 2*columns"]:
        """Features at twice the size, from those upsampled followed by those ``beside`` them, if any."""
        fine: Tensor = self.upsample(coarse)
        merged: Tensor = self.convs(torch.cat([fine, *beside], dim=1) if beside else fine)
        return merged
