"""Where the two branches meet."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.residual import conv_norm


class FeatureFusion(nn.Module):
    """Enlarge the coarse features, bring both branches to the same channels, add (Poudel et al. 2019, table 3).

    Args:
        fine_channels: of the fine features.
        coarse_channels: of the coarse features, and of what it returns.
        factor: how much finer the fine ones are. The depthwise convolution of the enlarged features is dilated by it,
            so that its taps fall on neighbouring cells and not into one.
    """

    def __init__(self, fine_channels: int, coarse_channels: int, factor: int) -> None:
        super().__init__()
        self.fine = conv_norm(fine_channels, coarse_channels, kernel_size=1)
        self.coarse = nn.Sequential(
            ConvNormReLU(coarse_channels, coarse_channels, dilation=factor, groups=coarse_channels),
            conv_norm(coarse_channels, coarse_channels, kernel_size=1),
        )

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch coarse_channels rows columns"]:
        """One map of the fine features' size."""
        fine, coarse = features
        enlarged = functional.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
        return functional.relu(self.fine(fine) + self.coarse(enlarged))
