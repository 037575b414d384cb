"""The nested, dense skips."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.upsampling import UpsamplingBlock, upsampling_layer


class NestedDecoder(nn.Module):
    """A triangle of blocks between the encoder and full resolution (Zhou et al. 2018, §3.1, equation 1).

    The block at (level, column), X^{i,j} in the paper, upsamples the features at (level + 1, column - 1) and sets
    beside them all that its own level has so far: columns column - 1 down to 0, where column 0 is the encoder. The last
    of each level, on the triangle's long side, are what a U-Net has.

    Args:
        channels: of the encoder's features, from fine to coarse.
        strides: of the encoder's features, from fine to coarse, each twice the one before. Levels finer than the first
            have only the last block, without anything beside it.
        base_width: channels of the last block at full resolution; they double with every halving. The other blocks have
            as many as the encoder at their level.
        upsampling: "bilinear", "nearest" or "transposed".
        norm: "batch" or "group".
        narrow: whether upsampling reduces the channels to those of its block, or leaves them to the block's first
            convolution. A transposed convolution always reduces them.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        base_width: int,
        upsampling: str,
        norm: str,
        narrow: bool,
    ) -> None:
        super().__init__()
        levels = [stride.bit_length() - 1 for stride in strides]
        finest, deepest = levels[0], levels[-1]
        assert levels == list(range(finest, deepest + 1)), "every timm pyramid halves from one level to the next"
        widths = {(level, 0): width for level, width in zip(levels, channels, strict=True)}
        self.blocks = nn.ModuleDict()
        for column in range(1, deepest + 1):
            for level in range(deepest - column + 1):
                last = level == deepest - column
                if level < finest and not last:
                    continue
                width = base_width * 2**level if last else widths[level, 0]
                coarse = widths[level + 1, column - 1]
                upsampled = width if narrow or upsampling == "transposed" else coarse
                beside = sum(widths[level, before] for before in _beside(level, column, finest))
                upsample = upsampling_layer(upsampling, coarse, upsampled)
                self.blocks[f"{level}_{column}"] = UpsamplingBlock(upsample, upsampled + beside, width, norm)
                widths[level, column] = width
        self.finest, self.deepest = finest, deepest

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch base_width height width"]:
        """Features at full resolution, from the encoder's, fine to coarse."""
        grid = {(self.finest + index, 0): feature for index, feature in enumerate(features)}
        for name, block in self.blocks.items():
            level, column = map(int, name.split("_"))
            beside = [grid[level, before] for before in _beside(level, column, self.finest)]
            grid[level, column] = block(grid[level + 1, column - 1], *beside)
        return grid[0, self.deepest]


def _beside(level: int, column: int, finest: int) -> range:
    """The columns whose features a block sets beside the upsampled ones, the latest first."""
    return range(column - 1, -1, -1) if level >= finest else range(0)
