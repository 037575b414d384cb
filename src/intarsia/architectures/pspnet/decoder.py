"""The pyramid pooling module and the convolution that merges it with the features it came from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.pyramid_pooling import BINS, PyramidPooling


class PSPDecoder(nn.Module):
    """The coarsest features beside their means over regions, convolved to one map (Zhao et al. 2017, §3.2).

    Args:
        in_channels: of the encoder's coarsest features; each level of the pyramid has a quarter of them.
        width: channels of the map it returns.
        kernel_size: of the merging convolution, odd.
        align_corners: how the levels are enlarged.
        normalized_single: see :class:`~intarsia.nn.pyramid_pooling.PyramidPooling`.
    """

    def __init__(
        self, in_channels: int, width: int, *, kernel_size: int, align_corners: bool, normalized_single: bool
    ) -> None:
        super().__init__()
        level = max(1, in_channels // len(BINS))
        self.pyramid = PyramidPooling(
            in_channels, level, align_corners=align_corners, normalized_single=normalized_single
        )
        self.fuse = ConvNormReLU(in_channels + len(BINS) * level, width, kernel_size=kernel_size)
        self.dropout = nn.Dropout2d(0.1)  # as in the authors' release

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch width rows columns"]:
        """One map of the coarsest features' size, from the encoder's, fine to coarse."""
        fused: Tensor = self.dropout(self.fuse(torch.cat([*self.pyramid(features[-1]), features[-1]], dim=1)))
        return fused
