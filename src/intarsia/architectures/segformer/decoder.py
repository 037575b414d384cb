"""The all-MLP decoder."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import BatchNorm2d, ConvNormReLU

_DROPOUT = 0.1


class AllMLPDecoder(nn.Module):
    """Projects every feature map to one width, enlarges them to the finest, and merges them (§3.2, equation 4).

    The paper concatenates the enlarged maps and applies one 1×1 convolution. That is a sum of one convolution a map,
    and as enlarging mixes cells where a 1×1 convolution mixes channels, the two may change places: here each map is
    convolved at its own size, on a 4th, 16th and 64th of the cells. Where nothing stands between projection and
    convolution they are one linear map besides, and are applied as one.

    Args:
        channels: of the encoder's features, from fine to coarse.
        width: channels of every projection and of the result.
        projection_norm: whether batch normalisation and ReLU follow each projection.
    """

    def __init__(self, channels: tuple[int, ...], width: int, projection_norm: bool) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            ConvNormReLU(count, width, kernel_size=1) if projection_norm else nn.Conv2d(count, width, kernel_size=1)
            for count in channels
        )
        merges = [nn.Conv2d(width, width, kernel_size=1, bias=False) for _ in channels]
        for merge in merges:  # He et al. (2015), as one convolution of all maps
            nn.init.normal_(merge.weight, std=math.sqrt(2 / (len(channels) * width)))
        self.merges = nn.ModuleList(merges)
        self.norm = BatchNorm2d(width)
        self.dropout = nn.Dropout2d(_DROPOUT)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch width rows columns"]:
        """Features at the size of the finest, from the encoder's, fine to coarse."""
        size = features[0].shape[-2:]
        merged: Tensor | None = None
        for feature, projection, merge in zip(features, self.projections, self.merges, strict=True):
            part = _apply(projection, merge, feature)
            if part.shape[-2:] != size:
                part = functional.interpolate(part, size, mode="bilinear", align_corners=False)
            merged = part if merged is None else merged + part
        result: Tensor = self.dropout(functional.relu(self.norm(merged)))
        return result


def _apply(projection: nn.Module, merge: nn.Module, feature: Tensor) -> Tensor:
    assert isinstance(merge, nn.Conv2d)
    if not isinstance(projection, nn.Conv2d):
        merged: Tensor = merge(projection(feature))
        return merged
    assert projection.bias is not None
    outer = merge.weight.flatten(1)
    weight, bias = outer @ projection.weight.flatten(1), outer @ projection.bias
    return functional.conv2d(feature, weight[:, :, None, None], bias)
