"""Learning to downsample, and the global features that are computed from what it learned."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.pyramid_pooling import BINS, PyramidPooling
from intarsia.nn.residual import Residual, conv_norm
from intarsia.nn.scratch_encoder import ScratchEncoder
from intarsia.nn.separable import SeparableConvNormReLU

_DOWNSAMPLE = (32, 48, 64)
"""Channels after each of the three halvings (table 1)."""

_BOTTLENECKS = ((64, 2), (64, 1), (64, 1), (96, 2), (96, 1), (96, 1), (128, 1), (128, 1), (128, 1))
"""Channels and stride of each bottleneck (table 1)."""

_EXPANSION = 6


class FastSCNNEncoder(ScratchEncoder):
    """Two feature maps: of the layers both branches share, and of the deep branch that goes on from there.

    Args:
        in_channels: of the image.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        first, second, fine = _DOWNSAMPLE
        # Separating the first convolution would save nothing at so few channels (§3.2.1).
        self.downsample = nn.Sequential(
            ConvNormReLU(in_channels, first, stride=2),
            SeparableConvNormReLU(first, second, stride=2),
            SeparableConvNormReLU(second, fine, stride=2),
        )
        widths = [fine, *(width for width, _ in _BOTTLENECKS)]
        self.bottlenecks = nn.Sequential(
            *(
                inverted_residual(before, after, stride)
                for (before, after), (_, stride) in zip(itertools.pairwise(widths), _BOTTLENECKS, strict=True)
            )
        )
        coarse = widths[-1]
        self.pyramid = PyramidPooling(coarse, coarse // len(BINS))
        self.merge = ConvNormReLU(2 * coarse, coarse, kernel_size=1)
        self.out_channels = (fine, coarse)
        self.strides = (8, 32)

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`."""
        fine = self.downsample(image)
        coarse = self.bottlenecks(fine)
        return [fine, self.merge(torch.cat([coarse, *self.pyramid(coarse)], dim=1))]

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one a halving, one a bottleneck, one for the pyramid."""
        layers = [list(part.parameters()) for part in (*self.downsample, *self.bottlenecks)]
        return [*layers, [*self.pyramid.parameters(), *self.merge.parameters()]]


def inverted_residual(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A bottleneck turned inside out: wide between two narrow ends, where MobileNetV2's is linear too.

    Sandler et al. (2018, arXiv:1801.04381), figure 3b; with ReLU for ReLU6, which trains faster and is slightly better
    here (Poudel et al. 2019, §4.1). It has a shortcut where size and channels stay.

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        stride: 1 or 2.
    """
    wide = _EXPANSION * in_channels
    body = nn.Sequential(
        ConvNormReLU(in_channels, wide, kernel_size=1),
        ConvNormReLU(wide, wide, stride=stride, groups=wide),
        conv_norm(wide, out_channels, kernel_size=1),
    )
    return Residual(body) if stride == 1 and in_channels == out_channels else body
