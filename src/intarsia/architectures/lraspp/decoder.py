"""Coarse features weighed by their mean, and scored beside fine ones."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU


class LRASPPDecoder(nn.Module):
    """Gate the channels of the coarse features, score them, enlarge the scores, add those of the fine features.

    Howard et al. (2019), §6.4 and figure 10: squeeze and excitation of one 1×1 convolution in place of a pyramid.

    Args:
        coarse_channels: of the encoder's last features.
        fine_channels: of its fine features.
        num_classes: scores a cell.
        width: channels of the gated features.
        fine_level: index of the fine features among the encoder's.
    """

    def __init__(
        self, coarse_channels: int, fine_channels: int, num_classes: int, *, width: int, fine_level: int
    ) -> None:
        super().__init__()
        self.fine_level = fine_level
        self.project = ConvNormReLU(coarse_channels, width, kernel_size=1)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(coarse_channels, width, kernel_size=1, bias=False), nn.Sigmoid()
        )
        self.score_coarse = nn.Conv2d(width, num_classes, kernel_size=1)
        self.score_fine = nn.Conv2d(fine_channels, num_classes, kernel_size=1)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch classes rows columns"]:
        """Scores at the fine features' size, from the encoder's features, fine to coarse."""
        fine, coarse = features[self.fine_level], features[-1]
        gated = self.project(coarse) * self.gate(coarse)
        # A 1×1 convolution and interpolation, whose weights add up to one, commute. The paper enlarges the features
        # first; few scores are cheaper.
        scores = functional.interpolate(self.score_coarse(gated), fine.shape[-2:], mode="bilinear", align_corners=False)
        total: Tensor = self.score_fine(fine) + scores
        return total
