"""The contracting arm of the U-Nets: from scratch, or any encoder of timm."""

from __future__ import annotations

import difflib

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.errors import RecipeError
from intarsia.nn.conv import DoubleConv
from intarsia.nn.encoders import Encoder, TimmEncoder
from intarsia.nn.scratch_encoder import ScratchEncoder

SCRATCH = "scratch"
"""The name of the encoder that is no model of timm."""

_PAPERS_DEPTH = 4
_MOST_WIDTH = 8192  # four gigabytes of parameters in the encoder, at least as many in a decoder


def named_encoder(
    name: str, in_channels: int, *, depth: int | None, base_width: int, norm: str, pretrained: bool
) -> Encoder:
    """The encoder that a person names.

    Args:
        name: "scratch" for a :class:`DoubleConvEncoder`, or a timm model.
        in_channels: of the image.
        depth: how often height and width are halved; default 4 from scratch (the U-Net paper's), else as often as the
            model.
        base_width: channels at full resolution from scratch; a timm model has its own.
        norm: "batch" or "group" from scratch; a timm model has its own.
        pretrained: whether timm is to fetch the model's weights.

    Raises:
        RecipeError: no such encoder, one from scratch of more than 8192 channels, or ``pretrained`` from scratch.
        FetchError: the weights could not be fetched.
    """
    if name != SCRATCH:
        if difflib.get_close_matches(name, [SCRATCH]):  # which resembles no model of timm
            raise RecipeError(
                f"found {name!r}", where="argument `encoder`", remedy=f"Did you mean {SCRATCH!r}? Write it"
            )
        return TimmEncoder(name, in_channels, depth, pretrained=pretrained)
    if pretrained:
        raise RecipeError(
            "found True, but an encoder from scratch has no published weights",
            where="argument `pretrained`",
            remedy="Name an encoder that has, for example encoder=resnet18, or leave `pretrained` out",
        )
    depth = _PAPERS_DEPTH if depth is None else depth
    if depth > _MOST_WIDTH or base_width * 2**depth > _MOST_WIDTH:  # the first so that no power is astronomical
        raise RecipeError(
            f"found depth={depth} and base_width={base_width}, which double to more than {_MOST_WIDTH} channels",
            where="arguments `depth` and `base_width`",
            remedy=f"Give a smaller one: base_width · 2^depth is {_MOST_WIDTH} at most",
        )
    return DoubleConvEncoder(in_channels, depth, base_width, norm)


class DoubleConvEncoder(ScratchEncoder):
    """Double convolutions with 2×2 max pooling between them (Ronneberger et al. 2015, §2).

    Args:
        in_channels: of the image.
        depth: how many times height and width are halved, ≥ 1.
        base_width: channels at full resolution; they double with every halving.
        norm: "batch" or "group".
    """

    def __init__(self, in_channels: int, depth: int, base_width: int, norm: str) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = tuple(base_width * 2**level for level in range(depth + 1))
        self.strides = tuple(2**level for level in range(depth + 1))
        self.stages = nn.ModuleList(
            DoubleConv(before, after, norm)
            for before, after in zip((in_channels, *self.out_channels), self.out_channels, strict=False)
        )

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`."""
        features: list[Tensor] = []
        for stage in self.stages:
            finer = functional.max_pool2d(features[-1], kernel_size=2) if features else image
            features.append(stage(finer))
        return features

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one a double convolution."""
        return [list(stage.parameters()) for stage in self.stages]
