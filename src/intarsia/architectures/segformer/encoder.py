"""The mix transformer (MiT): four stages, each coarser and wider than the one before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.architectures.segformer.blocks import Block, OverlapEmbedding, Stage
from intarsia.architectures.segformer.convert import read_encoder_weights
from intarsia.nn.encoders import Encoder

_PATCHES = (7, 3, 3, 3)
_STRIDES = (4, 2, 2, 2)
_HEADS = (1, 2, 5, 8)
_REDUCTIONS = (8, 4, 2, 1)


@dataclass(frozen=True)
class Size:
    """What sets B0 to B5 apart.

    Args:
        channels: of the four stages.
        depths: their blocks.
        decoder_width: channels of the decoder.
    """

    channels: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    decoder_width: int


_WIDE = (64, 128, 320, 512)
SIZES: Mapping[str, Size] = {
    "b0": Size((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "b1": Size(_WIDE, (2, 2, 2, 2), 256),
    "b2": Size(_WIDE, (3, 4, 6, 3), 768),
    "b3": Size(_WIDE, (3, 4, 18, 3), 768),
    "b4": Size(_WIDE, (3, 8, 27, 3), 768),
    "b5": Size(_WIDE, (3, 6, 40, 3), 768),
}
"""As the authors released them. Table 6 of the paper prints three blocks for stage 2 of B2 and B3, and hidden layers of
eight times the width in stages 1 and 2; its own parameter counts (table 1) come from four blocks and four times."""


class MixTransformer(Encoder):
    """Features at strides 4, 8, 16 and 32 (Xie et al. 2021, arXiv:2105.15203, §3.1 and table 6).

    Args:
        in_channels: of the image.
        size: widths and depths.
        drop_path: the last block's probability to leave a branch out in training; it rises linearly from 0.
    """

    license = "NVIDIA, non-commercial"  # github.com/NVlabs/SegFormer: for research and evaluation only

    def __init__(self, in_channels: int, size: Size, drop_path: float) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = size.channels
        self.strides = (4, 8, 16, 32)
        blocks = sum(size.depths)
        drop_paths = iter([drop_path * block / (blocks - 1) for block in range(blocks)])
        stages = []
        for index, (channels, depth) in enumerate(zip(size.channels, size.depths, strict=True)):
            before = size.channels[index - 1] if index else in_channels
            embedding = OverlapEmbedding(before, channels, _PATCHES[index], _STRIDES[index])
            heads, reduction = _HEADS[index], _REDUCTIONS[index]
            stage = [Block(channels, heads, reduction, next(drop_paths)) for _ in range(depth)]
            stages.append(Stage(embedding, stage, channels))
        self.stages = nn.ModuleList(stages)
        self.apply(_initialize)

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`."""
        features = []
        for stage in self.stages:
            image = stage(image)
            features.append(image)
        return features

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one an embedding and one a block.

        A stage's last normalisation counts to its last block.
        """
        layers: list[list[nn.Parameter]] = []
        for stage in self.stages:
            assert isinstance(stage, Stage)
            layers.extend(list(part.parameters()) for part in (stage.embedding, *stage.blocks))
            layers[-1].extend(stage.norm.parameters())
        return layers

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over a mix transformer's ImageNet weights, as the authors, transformers or mmsegmentation publish them.

        The classifier is left out; the first convolution is adapted to ``in_channels``.

        Raises:
            ModelFileError: tensors are missing, unknown or of another shape; nothing is changed then.
        """
        self.load_state_dict(read_encoder_weights(state_dict, self.state_dict(), self.in_channels))


def _initialize(module: nn.Module) -> None:
    # The authors' start: narrow Gaussians for linear layers, He et al. (2015) by outputs for convolutions.
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        outputs = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / outputs))
    if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
