"""Atrous spatial pyramid pooling: the same features looked at from several distances at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count, check_share
from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.separable import SeparableConvNormReLU

_RATES = (6, 12, 18)
_OUTPUT_STRIDE = 16


def aspp_rates(output_stride: int) -> tuple[int, ...]:
    """The papers' dilations, the same distances in image pixels whatever the stride of the features.

    6, 12 and 18 at an output stride of 16, doubled at 8 (Chen et al. 2017, arXiv:1706.05587, §3.3).
    """
    return tuple(rate * _OUTPUT_STRIDE // output_stride for rate in _RATES)


class ASPP(nn.Module):
    """A 1×1 convolution, dilated 3×3 convolutions and the image's mean side by side, joined by a 1×1 convolution.

    Chen et al. (2017), §3.3 and figure 5. A kernel whose taps lie further apart than the features are wide meets
    padding everywhere but in its middle: it degenerates to a 1×1 convolution (figure 4), which is why the image's mean
    is there. Features of any size work, a single cell included.

    Args:
        in_channels: of the features it receives.
        out_channels: of each branch and of the features it returns; the papers have 256.
        rates: dilation of each 3×3 convolution, ≥ 1, one or more, in cells of the features; see :func:`aspp_rates`.
        separable: whether the 3×3 convolutions are depthwise separable (Chen et al. 2018, arXiv:1802.02611, §3.1).
        dropout: the share of the result's values zeroed in training, in [0, 1).

    Attributes:
        rates: as given.

    Raises:
        RecipeError: a rate or the dropout is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        rates: Sequence[int],
        *,
        separable: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.rates = tuple(rates)
        if not rates:
            raise RecipeError("found no dilation", where="argument `rates`", remedy="Give one or more, or leave it out")
        for rate in rates:
            check_count("rates", rate)
        check_share("dropout", dropout)
        conv = SeparableConvNormReLU if separable else ConvNormReLU
        self.branches = nn.ModuleList(
            [
                ConvNormReLU(in_channels, out_channels, kernel_size=1),
                *(conv(in_channels, out_channels, dilation=rate) for rate in rates),
                _ImagePooling(in_channels, out_channels),
            ]
        )
        self.project = ConvNormReLU(len(self.branches) * out_channels, out_channels, kernel_size=1)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch out_channels rows columns"]:
        """Features of the same size that have seen near, far and the whole."""
        joined: Tensor = self.project(torch.cat([branch(features) for branch in self.branches], dim=1))
        dropped: Tensor = self.dropout(joined)
        return dropped


class _ImagePooling(nn.Sequential):
    """The mean of all places, convolved 1×1, at every place."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *ConvNormReLU(in_channels, out_channels, kernel_size=1))

    def forward(self, features: Tensor) -> Tensor:
        mean = features
        for layer in self:
            mean = layer(mean)
        return mean.expand(-1, -1, *features.shape[-2:])
