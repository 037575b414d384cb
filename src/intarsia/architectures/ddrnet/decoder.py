"""Deep aggregation pyramid pooling of the coarse branch, and its sum with the fine one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import BatchNorm2d

_BRANCH = 128
"""Channels of each scale of the pyramid, at any width of the network."""

_POOLING_STRIDES = (2, 4, 8)


class DDRDecoder(nn.Module):
    """The pooled coarse features enlarged onto the fine ones, and a 3×3 convolution of both.

    Args:
        coarse_channels: of the coarse features.
        fine_channels: of the fine features.
        out_channels: of what it returns.
    """

    def __init__(self, coarse_channels: int, fine_channels: int, out_channels: int) -> None:
        super().__init__()
        self.context = DAPPM(coarse_channels, _BRANCH, fine_channels)
        self.merge = nn.Sequential(
            _norm_relu_conv(fine_channels, out_channels, kernel_size=3),
            BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch out_channels rows columns"]:
        """One map of the fine features' size."""
        fine, coarse = features
        context = functional.interpolate(self.context(coarse), fine.shape[-2:], mode="bilinear", align_corners=False)
        merged: Tensor = self.merge(fine + context)
        return merged


class DAPPM(nn.Module):
    """Deep aggregation pyramid pooling: means over ever larger windows, each refined upon the one before (§III).

    The features themselves, their means over 5, 9 and 17 cells a side at every second, fourth and eighth
    cell, and that of the whole image; from the second on each is enlarged, added to the one before and convolved 3×3.
    All five side by side go through a 1×1 convolution, and a projection of the features is added.

    A window that reaches beyond the features is the mean of those inside it: to count zeros there would darken
    small images more than large ones, and the normalisation after it knows one average only.

    Args:
        in_channels: of the features it receives.
        branch_channels: of each scale.
        out_channels: of the features it returns.
    """

    def __init__(self, in_channels: int, branch_channels: int, out_channels: int) -> None:
        super().__init__()
        pools = [
            nn.Identity(),
            *(nn.AvgPool2d(2 * stride + 1, stride, stride, count_include_pad=False) for stride in _POOLING_STRIDES),
            nn.AdaptiveAvgPool2d(1),
        ]
        self.scales = nn.ModuleList(
            nn.Sequential(pool, *_norm_relu_conv(in_channels, branch_channels, kernel_size=1)) for pool in pools
        )
        self.refine = nn.ModuleList(_norm_relu_conv(branch_channels, branch_channels, kernel_size=3) for _ in pools[1:])
        self.merge = _norm_relu_conv(len(pools) * branch_channels, out_channels, kernel_size=1)
        self.shortcut = _norm_relu_conv(in_channels, out_channels, kernel_size=1)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch out_channels rows columns"]:
        """Features of the same size that have seen near, far and the whole; any size from one cell on."""
        size = features.shape[-2:]
        finest, *coarser = self.scales
        aggregated = [finest(features)]
        for scale, refine in zip(coarser, self.refine, strict=True):
            enlarged = functional.interpolate(scale(features), size, mode="bilinear", align_corners=False)
            aggregated.append(refine(enlarged + aggregated[-1]))
        total: Tensor = self.merge(torch.cat(aggregated, dim=1)) + self.shortcut(features)
        return total


def _norm_relu_conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(BatchNorm2d(in_channels), nn.ReLU(inplace=True), conv)
