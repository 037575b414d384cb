"""What stands between the transformer's features and the scores: as little as possible, or a little more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.conv import BatchNorm2d, ConvNormReLU

_WIDTH = 256
_DOUBLINGS = 2


class Concatenation(nn.Module):
    """The levels side by side, batch-normalised: with a 1×1 convolution after it, DINOv2's linear evaluation.

    See Oquab et al. 2023, arXiv:2304.07193, §7.4.

    Args:
        channels: of the encoder's features, all of one size.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.out_channels = sum(channels)
        self.norm = BatchNorm2d(self.out_channels)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch out_channels rows columns"]:
        """One cell a patch."""
        merged: Tensor = self.norm(torch.cat(features, dim=1))
        return merged


class ProgressiveUpsampling(nn.Module):
    """The levels side by side, reduced, then convolved and doubled twice: four cells a side for every patch.

    SETR-PUP (Zheng et al. 2021, arXiv:2012.15840, §3.3) starts from the last level alone and doubles four times.

    Args:
        channels: of the encoder's features, all of one size.
    """

    out_channels: ClassVar[int] = _WIDTH

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.concatenation = Concatenation(channels)
        self.reduce = ConvNormReLU(self.concatenation.out_channels, _WIDTH, kernel_size=1)
        self.refine = nn.ModuleList(ConvNormReLU(_WIDTH, _WIDTH) for _ in range(_DOUBLINGS))
        self.enlarge = nn.Upsample(scale_factor=2, mode="bilinear")

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch out_channels rows columns"]:
        """Features at four times the encoder's rows and columns."""
        refined: Tensor = self.reduce(self.concatenation(features))
        for convolve in self.refine:
            refined = convolve(self.enlarge(refined))
        return refined


DECODERS: Mapping[str, type[Concatenation | ProgressiveUpsampling]] = {
    "linear": Concatenation,
    "progressive": ProgressiveUpsampling,
}
