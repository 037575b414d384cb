"""A feature pyramid whose levels are brought to stride 4 and merged."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.feature_pyramid import FeaturePyramid, finer_levels

MERGES = ("sum", "concatenate")


class FPNDecoder(nn.Module):
    """The semantic branch of a panoptic feature pyramid network (Kirillov et al. 2019, figure 3), with its pyramid.

    Args:
        channels: of the encoder's features, from fine to coarse.
        strides: of the encoder's features, from fine to coarse; those finer than 4 are not used.
        width: channels of each level before merging; the pyramid has twice as many.
        merge: "sum" or "concatenate".
        smooth: whether each level of the pyramid is convolved 3×3 after merging (Lin et al. 2017, §3: against the
            aliasing of upsampling).
        align_corners: how levels are enlarged (bilinearly) on their way to the finest.

    Attributes:
        out_channels: of the map it returns.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        width: int,
        merge: str,
        smooth: bool,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.unused = finer_levels(strides)
        self.merge = merge
        self.width = width
        self.smooth = smooth
        self.align_corners = align_corners
        used, shared = channels[self.unused :], 2 * width
        self.pyramid = FeaturePyramid(
            laterals=[nn.Conv2d(count, shared, kernel_size=1) for count in used],
            outputs=[nn.Conv2d(shared, shared, kernel_size=3, padding=1) if smooth else nn.Identity() for _ in used],
            mode="nearest",
        )
        # One convolution at the finest level, else one before each doubling.
        self.branches = nn.ModuleList(
            nn.ModuleList(ConvNormReLU(shared if step == 0 else width, width, "group") for step in range(max(1, level)))
            for level in range(len(used))
        )
        self.out_channels = width if merge == "sum" else width * len(used)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch out_channels rows columns"]:
        """One map of the finest used features' size (stride 4), from the encoder's features, fine to coarse."""
        levels = self.pyramid(features[self.unused :])
        sizes = [level.shape[-2:] for level in levels]
        branches = [
            self._to_finest(convs, level, sizes[:index][::-1])
            for index, (convs, level) in enumerate(zip(self.branches, levels, strict=True))
        ]
        return sum(branches[1:], branches[0]) if self.merge == "sum" else torch.cat(branches[::-1], dim=1)

    def _to_finest(self, convs: nn.Module, level: Tensor, sizes: list[torch.Size]) -> Tensor:
        """Convolve and enlarge in turn, through the ``sizes`` of all finer levels."""
        assert isinstance(convs, nn.ModuleList)
        for step, conv in enumerate(convs):
            level = conv(level)
            if sizes:
                level = functional.interpolate(level, sizes[step], mode="bilinear", align_corners=self.align_corners)
        return level
