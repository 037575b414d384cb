"""The pyramid's features, enlarged onto fine ones of the encoder that know where edges are."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.aspp import ASPP
from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.separable import SeparableConvNormReLU

_FINE_WIDTH = 48
"""Channels the fine features are reduced to, so that they do not outweigh the coarse (Chen et al. 2018, table 1)."""


class DeepLabV3PlusDecoder(nn.Module):
    """Enlarge the pyramid's features to the size of the fine ones, set both side by side, convolve.

    Chen et al. (2018, arXiv:1802.02611), §3.1 and figure 2.

    Args:
        aspp: on the encoder's last features.
        width: channels the pyramid returns, and this too.
        fine_level: index of the fine features among the encoder's.
        fine_channels: of these.
        separable: whether the two 3×3 convolutions are depthwise separable.
        early_conv: whether the first of the two comes before enlarging, where it costs less.
        align_corners: how the pyramid's features are enlarged (bilinearly).
    """

    def __init__(
        self,
        aspp: ASPP,
        width: int,
        *,
        fine_level: int,
        fine_channels: int,
        separable: bool,
        early_conv: bool,
        align_corners: bool,
    ) -> None:
        super().__init__()
        conv = SeparableConvNormReLU if separable else ConvNormReLU
        beside = partial(conv, width + _FINE_WIDTH, width)
        self.fine_level = fine_level
        self.align_corners = align_corners
        self.aspp = aspp
        self.coarse = conv(width, width) if early_conv else nn.Identity()
        self.fine = ConvNormReLU(fine_channels, _FINE_WIDTH, kernel_size=1)
        self.merge = nn.Sequential(beside()) if early_conv else nn.Sequential(beside(), conv(width, width))

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch width rows columns"]:
        """Features of the fine size, from the encoder's, fine to coarse."""
        fine = self.fine(features[self.fine_level])
        coarse = self.coarse(self.aspp(features[-1]))
        enlarged = functional.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=self.align_corners)
        merged: Tensor = self.merge(torch.cat([enlarged, fine], dim=1))
        return merged
