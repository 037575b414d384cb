"""The contracting arm of the U-Nets: from scratch, or any encoder of timm."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.errors import ModelFileError, RecipeError
from intarsia.nn.conv import DoubleConv
from intarsia.nn.encoders import Encoder, TimmEncoder

SCRATCH = "scratch"
"""The name of the encoder that is no model of timm."""


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
        RecipeError: no such encoder, or ``pretrained`` from scratch.
        FetchError: the weights could not be fetched.
    """
    if name != SCRATCH:
        return TimmEncoder(name, in_channels, depth, pretrained=pretrained)
    if pretrained:
        raise RecipeError(
            "found True, but an encoder from scratch has no published weights",
            where="argument `pretrained`",
            remedy="Name an encoder that has, for example encoder=resnet18, or leave `pretrained` out",
        )
    return DoubleConvEncoder(in_channels, 4 if depth is None else depth, base_width, norm)


class DoubleConvEncoder(Encoder):
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

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Refuse: there are none.

        Raises:
            ModelFileError: always.
        """
        raise ModelFileError(
            f"{len(state_dict)} tensors were given, but an encoder from scratch has no published weights",
            where="encoder weights",
            remedy="Name the encoder they belong to (encoder=resnet18, say), or leave the weights out",
        )
