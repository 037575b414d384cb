"""Feature pyramids: coarse features, which know what there is, added to fine ones, which know where it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn
from torch.nn import functional

_FINEST_STRIDE = 4


class FeaturePyramid(nn.Module):
    """Every level of the features enriched by all coarser ones (Lin et al. 2017, arXiv:1612.03144, §3).

    Args:
        laterals: one a level, fine to coarse: brings the encoder's features to the channels all levels share.
        outputs: one a level, fine to coarse: applied to the merged features.
        mode: how coarser features are enlarged: "nearest" or "bilinear" (half-pixel centers).
    """

    def __init__(self, laterals: Iterable[nn.Module], outputs: Iterable[nn.Module], mode: str) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(laterals)
        self.outputs = nn.ModuleList(outputs)
        self.mode = mode

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """One map [B, shared channels, h, w] a level, of the encoder's features [B, C, h, w], fine to coarse."""
        levels = [lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)]
        for index in reversed(range(len(levels) - 1)):
            size = levels[index].shape[-2:]
            levels[index] = levels[index] + functional.interpolate(levels[index + 1], size, mode=self.mode)
        return [output(level) for output, level in zip(self.outputs, levels, strict=True)]


def finer_levels(strides: Sequence[int]) -> int:
    """How many of an encoder's feature maps are finer than stride 4, which is where feature pyramids begin."""
    return sum(stride < _FINEST_STRIDE for stride in strides)
