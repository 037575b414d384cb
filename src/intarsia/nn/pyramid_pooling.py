"""Pyramid pooling: what lies in the whole image, its halves, thirds and sixths, told to every place in it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU

BINS = (1, 2, 3, 6)
"""Regions a side at each level of the pyramid (Zhao et al. 2017, §3.2)."""


class PyramidPooling(nn.Module):
    """Averages over grids of regions, each convolved 1×1 and enlarged to the features' size again.

    Zhao et al. 2017 (PSPNet, arXiv:1612.01105), §3.2 and figure 3c.

    Args:
        in_channels: of the features it receives.
        out_channels: of each level it returns.
        bins: regions a side, one number a level.
        align_corners: how the levels are enlarged (bilinearly); see
            :class:`~intarsia.nn.encoder_decoder.EncoderDecoder`.
        normalized_single: whether the convolution of a level of one region is batch-normalised like the others. One
            image leaves it one value a channel in training, for which the running statistics serve.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        bins: tuple[int, ...] = BINS,
        *,
        align_corners: bool = False,
        normalized_single: bool = True,
    ) -> None:
        super().__init__()
        self.bins = bins
        self.align_corners = align_corners
        self.levels = nn.ModuleList(
            ConvNormReLU(in_channels, out_channels, kernel_size=1)
            if normalized_single or count > 1
            else nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size=1), nn.ReLU(inplace=True))
            for count in bins
        )

    def forward(self, features: Float[Tensor, "batch channels rows columns"]) -> list[Tensor]:
        """One map [B, out_channels, rows, columns] a level, for features of any size."""
        size = features.shape[-2:]
        pooled = [level(region_means(features, count)) for count, level in zip(self.bins, self.levels, strict=True)]
        return [
            functional.interpolate(each, size, mode="bilinear", align_corners=self.align_corners) for each in pooled
        ]


def region_means(
    features: Float[Tensor, "batch channels rows columns"], count: int
) -> Float[Tensor, "batch channels {count} {count}"]:
    """The means of the features over a grid of regions, equal to :func:`torch.nn.functional.adaptive_avg_pool2d`.

    That function has no counterpart in ONNX where ``count`` does not divide the size; two matrix products have.

    Args:
        features: any size ≥ 1 × 1, also smaller than the grid.
        count: regions a side, ≥ 1.
    """
    rows, columns = (interval_weights(length, count, features) for length in features.shape[-2:])
    return rows @ (features @ columns.T)


def interval_weights(length: int, count: int, like: Tensor) -> Float[Tensor, "{count} {length}"]:
    """The matrix that takes ``length`` values to their means over ``count`` intervals.

    Interval i reaches from ⌊i · length / count⌋ to ⌈(i + 1) · length / count⌉ − 1: neighbours share a value where
    ``count`` does not divide ``length``, and no interval is ever empty.

    Args:
        length: ≥ 1.
        count: ≥ 1.
        like: whose dtype and device the matrix gets.
    """
    interval = torch.arange(count, device=like.device)[:, None]
    position = torch.arange(length, device=like.device)
    # position ≥ ⌊i·length/count⌋ and position < ⌈(i+1)·length/count⌉, in whole numbers
    inside = ((position + 1) * count > interval * length) & (position * count < (interval + 1) * length)
    return inside.to(like.dtype) / inside.sum(dim=1, keepdim=True)
