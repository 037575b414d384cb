"""Enlarging scores by a transposed convolution that starts as bilinear interpolation."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def bilinear_kernel(factor: int) -> Float[Tensor, "size size"]:
    """The 2·factor × 2·factor weights a cell's value is spread with when bilinear interpolation enlarges by ``factor``.

    Args:
        factor: even, so that the kernel's middle lies between two pixels, as the middle of a cell of pixels does.
    """
    assert factor % 2 == 0
    distance = (torch.arange(2 * factor) - (factor - 0.5)).abs()
    tent = 1 - distance / factor
    return tent[:, None] * tent


class LearnedUpsampling(nn.Module):
    """Scores ``factor`` times as high and wide, by one kernel a class that starts as bilinear interpolation.

    Until trained it equals :func:`torch.nn.functional.interpolate` with ``align_corners=False``, borders included: each
    cell stays over the pixels it was computed from (Long et al. 2015, §3.3).

    Args:
        channels: of the scores, one a class. Classes are not mixed.
        factor: even.
    """

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        # Of what a transposed convolution gives, half a factor on each side belongs to no cell; a whole one to the
        # repeated border, without which scores would fade over the last half cell as if zeros lay beyond.
        padding = factor // 2 + factor
        self.conv = nn.ConvTranspose2d(
            channels, channels, 2 * factor, stride=factor, padding=padding, groups=channels, bias=False
        )
        with torch.no_grad():
            self.conv.weight.copy_(bilinear_kernel(factor))

    def forward(
        self, scores: Float[Tensor, "batch classes rows columns"]
    ) -> Float[Tensor, "batch classes height width"]:
        """The scores, enlarged."""
        enlarged: Tensor = self.conv(functional.pad(scores, (1, 1, 1, 1), mode="replicate"))
        return enlarged
