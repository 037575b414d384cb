"""From features to scores: skips added up, or a convolution on dilated features."""

from __future__ import annotations

import itertools

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.architectures.fcn.upsampling import LearnedUpsampling
from intarsia.nn.conv import ConvNormReLU


class SkipDecoder(nn.Module):
    """Every feature map scored by a 1×1 convolution; the coarser scores enlarged and added to the finer, step by step.

    Score layers start at zero (Long et al. 2015, §4.2 and §4.3), so a fresh network gives every class zero.

    Args:
        channels: of what is scored, from fine to coarse; the encoder may give finer features, which are left out.
        strides: of the same, rising powers of two.
        num_classes: scores a cell.
        top: what the coarsest features go through before they are scored; height and width stay.
    """

    def __init__(
        self, channels: tuple[int, ...], strides: tuple[int, ...], num_classes: int, top: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.top = top or nn.Identity()
        self.scores = nn.ModuleList(nn.Conv2d(width, num_classes, kernel_size=1) for width in channels)
        for parameter in self.scores.parameters():
            nn.init.zeros_(parameter)
        self.upsamplings = nn.ModuleList(
            LearnedUpsampling(num_classes, coarse // fine) for fine, coarse in itertools.pairwise(strides)
        )

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch classes rows columns"]:
        """Scores at the finest scored features' size, from the encoder's features, fine to coarse."""
        *finer, coarsest = features[-len(self.scores) :]
        *skips, score = self.scores
        scores: Tensor = score(self.top(coarsest))
        for feature, score, upsampling in reversed(list(zip(finer, skips, self.upsamplings, strict=True))):
            scores = upsampling(scores) + score(feature)
        return scores


class DilatedDecoder(nn.Module):
    """torchvision's FCN head without its classifier: a 3×3 convolution to a quarter of the channels, and dropout.

    Args:
        channels: of the encoder's coarsest features.

    Attributes:
        out_channels: of the features it returns.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = max(1, channels // 4)
        self.convs = nn.Sequential(ConvNormReLU(channels, self.out_channels), nn.Dropout(0.1))

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch out_channels rows columns"]:
        """Features at the coarsest features' size, from the encoder's, fine to coarse."""
        narrowed: Tensor = self.convs(features[-1])
        return narrowed
