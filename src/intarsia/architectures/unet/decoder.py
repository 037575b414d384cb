"""The expanding arm."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.architectures.unet.blocks import upsampling_layer
from intarsia.nn.conv import DoubleConv


class DecoderBlock(nn.Module):
    """Upsample, set the encoder's features of that size beside the result, convolve twice.

    Args:
        upsample: doubles height and width.
        channels: of the upsampled features and the skip together.
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
        skip: Float[Tensor, "batch skip_channels 2*rows 2*columns"] | None,
    ) -> Float[Tensor, "batch out_channels 2*rows 2*columns"]:
        """Features at twice the size; ``skip`` is None where the encoder has none of that size."""
        fine: Tensor = self.upsample(coarse)
        merged: Tensor = self.convs(fine if skip is None else torch.cat([fine, skip], dim=1))
        return merged


class UNetDecoder(nn.Module):
    """From an encoder's features to full resolution, one block for each halving.

    Args:
        channels: of the encoder's features, from fine to coarse.
        strides: of the encoder's features, from fine to coarse; powers of two. Sizes between them or finer than the
            first are upsampled without a skip.
        base_width: channels at full resolution; they double with every halving.
        upsampling: "bilinear", "nearest" or "transposed".
        norm: "batch" or "group".
        narrow: whether upsampling reduces the channels to those of its block, as in the paper, or leaves them to the
            block's first convolution. A transposed convolution always reduces them.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        base_width: int,
        upsampling: str,
        norm: str,
        narrow: bool,
    ) -> None:
        super().__init__()
        skips = dict(zip(strides, channels, strict=True))
        coarse, blocks = channels[-1], []
        for level in reversed(range(strides[-1].bit_length() - 1)):
            width = base_width * 2**level
            upsampled = width if narrow or upsampling == "transposed" else coarse
            upsample = upsampling_layer(upsampling, coarse, upsampled)
            blocks.append(DecoderBlock(upsample, upsampled + skips.get(2**level, 0), width, norm))
            coarse = width
        self.strides = strides
        self.blocks = nn.ModuleList(blocks)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch base_width height width"]:
        """Features at full resolution, from the encoder's, fine to coarse."""
        skips = dict(zip(self.strides, features, strict=True))
        merged = features[-1]
        for index, block in enumerate(self.blocks):
            merged = block(merged, skips.get(2 ** (len(self.blocks) - 1 - index)))
        return merged
