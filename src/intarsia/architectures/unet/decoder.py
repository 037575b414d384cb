"""The expanding arm."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.architectures.unet.attention import AttentionGate
from intarsia.nn.upsampling import UpsamplingBlock, upsampling_layer


class UNetDecoder(nn.Module):
    """From an encoder's features to full resolution, one block for each halving.

    Args:
        channels: of the encoder's features, from fine to coarse.
        strides: of the encoder's features, from fine to coarse; powers of two. Sizes between them or finer than the
            first are upsampled without a skip.
        base_width: channels at full resolution; they double with every halving.
        upsampling: "bilinear", "nearest" or "transposed".
        norm: "batch" or "group".
        narrow: whether upsampling reduces the channels to those of its block, as in the paper, or leaves them to the
            block's first convolution. A transposed convolution always reduces them.
        attention: whether gates weigh the pixels of every skip but the finest, which holds nothing yet that a gate
            could judge (Oktay et al. 2018, §2).
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
        attention: bool,
    ) -> None:
        super().__init__()
        skips = dict(zip(strides, channels, strict=True))
        coarse = channels[-1]
        self.blocks, self.gates = nn.ModuleList(), nn.ModuleDict()
        for level in reversed(range(strides[-1].bit_length() - 1)):
            width, skip = base_width * 2**level, skips.get(2**level, 0)
            upsampled = width if narrow or upsampling == "transposed" else coarse
            upsample = upsampling_layer(upsampling, coarse, upsampled)
            if attention and skip and 2**level > strides[0]:
                self.gates[str(len(self.blocks))] = AttentionGate(skip, coarse)
            self.blocks.append(UpsamplingBlock(upsample, upsampled + skip, width, norm))
            coarse = width
        self.strides = strides

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch base_width height width"]:
        """Features at full resolution, from the encoder's, fine to coarse."""
        skips = dict(zip(self.strides, features, strict=True))
        merged = features[-1]
        for index, block in enumerate(self.blocks):
            stride = 2 ** (len(self.blocks) - 1 - index)
            beside = [skips[stride]] if stride in skips else []
            if str(index) in self.gates:
                beside = [self.gates[str(index)](skip, merged) for skip in beside]
            merged = block(merged, *beside)
        return merged
