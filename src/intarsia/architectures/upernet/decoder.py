"""Pyramid pooling at the top of a feature pyramid, all levels fused at the finest."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.feature_pyramid import FeaturePyramid, finer_levels
from intarsia.nn.pyramid_pooling import BINS, PyramidPooling


class UPerNetDecoder(nn.Module):
    """The feature pyramid of UPerNet, all its levels fused to one map (Xiao et al. 2018, §3.1).

    Args:
        channels: of the encoder's features, from fine to coarse.
        strides: of the encoder's features, from fine to coarse; those finer than 4 are not used.
        width: channels of every level and of the map it returns.
        feature_norm: whether the encoder's features are layer-normalised first.
    """

    def __init__(self, channels: tuple[int, ...], strides: tuple[int, ...], *, width: int, feature_norm: bool) -> None:
        super().__init__()
        self.unused = finer_levels(strides)
        self.feature_norm = feature_norm
        *finer, coarsest = channels[self.unused :]
        self.norms = nn.ModuleList(
            ChannelNorm(count) if feature_norm else nn.Identity() for count in (*finer, coarsest)
        )
        self.pyramid = FeaturePyramid(
            laterals=[*(ConvNormReLU(count, width, kernel_size=1) for count in finer), Context(coarsest, width)],
            outputs=[*(ConvNormReLU(width, width) for _ in finer), nn.Identity()],
            mode="bilinear",
        )
        self.fuse = ConvNormReLU(len(self.norms) * width, width)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch width rows columns"]:
        """One map of the finest used features' size (stride 4), from the encoder's features, fine to coarse."""
        used = [norm(feature) for norm, feature in zip(self.norms, features[self.unused :], strict=True)]
        finest, *coarser = self.pyramid(used)
        enlarged = [functional.interpolate(level, finest.shape[-2:], mode="bilinear") for level in coarser]
        fused: Tensor = self.fuse(torch.cat([finest, *enlarged], dim=1))
        return fused


class Context(nn.Module):
    """Features beside their pyramid of regional means, convolved 3×3 to one map.

    Args:
        in_channels: of the features.
        width: channels of each level of the pyramid and of the map it returns.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.pooling = PyramidPooling(in_channels, width)
        self.fuse = ConvNormReLU(in_channels + len(BINS) * width, width)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch width rows columns"]:
        """One map of the features' size."""
        fused: Tensor = self.fuse(torch.cat([features, *self.pooling(features)], dim=1))
        return fused


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(
        self, input: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        """Normalise; see :class:`torch.nn.LayerNorm`."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
