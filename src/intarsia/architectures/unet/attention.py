"""Attention gates (Oktay et al. 2018, arXiv:1804.03999)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_OPEN = 3.0
"""The score a gate starts from; its sigmoid, 0.95, lets nearly everything pass."""


class AttentionGate(nn.Module):
    """Weighs each pixel of a skip between 0 and 1 by what the coarser features know of its surroundings.

    The additive gate of §2 (equations 1 and 2): the sigmoid of ψ·relu(W_x·x + W_g·g + b_g) + b_ψ, computed at the
    size of g and enlarged bilinearly to that of x, multiplies every channel of x alike.

    Args:
        skip_channels: of x, the encoder's features; also those both are brought to before they are added, as in the
            authors' networks.
        gating_channels: of g, the decoder's next coarser features.
    """

    def __init__(self, skip_channels: int, gating_channels: int) -> None:
        super().__init__()
        self.of_skip = nn.Conv2d(skip_channels, skip_channels, kernel_size=1, bias=False)
        self.of_gating = nn.Conv2d(gating_channels, skip_channels, kernel_size=1)
        self.score = nn.Conv2d(skip_channels, 1, kernel_size=1)
        # As the authors start theirs, everything passes at first, everywhere alike: training begins with nearly a plain
        # U-Net and closes what it need not see.
        nn.init.zeros_(self.score.weight)
        nn.init.constant_(self.score.get_parameter("bias"), _OPEN)

    def forward(
        self,
        skip: Float[Tensor, "batch skip_channels height width"],
        gating: Float[Tensor, "batch gating_channels rows columns"],
    ) -> Float[Tensor, "batch skip_channels height width"]:
        """The skip, each pixel multiplied by its weight."""
        # The convolution is 1×1, so resizing before it gives the same as after it and costs less.
        small = functional.interpolate(skip, gating.shape[-2:], mode="bilinear", align_corners=False)
        score = self.score(functional.relu(self.of_skip(small) + self.of_gating(gating)))
        weight = functional.interpolate(score.sigmoid(), skip.shape[-2:], mode="bilinear", align_corners=False)
        return skip * weight
