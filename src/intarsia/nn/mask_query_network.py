"""Encoder and query decoder: networks that answer with a set of masks, at any size of image."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.pixel_decoder import STRIDES
from intarsia.types import MaskQueries, Output


class MaskQueryNetwork(SegmentationNetwork):
    """An encoder, and a decoder from its features to masks with classes.

    Args:
        encoder: from the image to features; the last four are at :data:`~intarsia.nn.pixel_decoder.STRIDES`.
        decoder: from these four to a list of class logits [B, Q, K + 1] and mask logits [B, Q, H / 4, W / 4], one
            pair for the queries as they start and one for each layer they went through.
    """

    output: ClassVar[type[Output]] = MaskQueries
    encoder: TimmEncoder

    def __init__(self, encoder: TimmEncoder, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> MaskQueries:
        """Masks with classes; in training those of the earlier layers too, as ``auxiliary``.

        Args:
            image: normalised as in training; any H, W ≥ 1. Inside, the last row and column are repeated until both
                sides are multiples of :attr:`stride` and the coarsest features have two cells at least.

        Returns:
            Mask logits at a quarter of the extended image's size.

        Raises:
            ShapeError: another number of channels than the network was built for, or no float batch at all.
        """
        layers: list[tuple[Tensor, Tensor]] = self.decoder(self.encoder(self._padded(image))[-len(STRIDES) :])
        size, stride = (image.shape[-2], image.shape[-1]), STRIDES[0]
        earlier = layers[:-1] if self.training else []
        auxiliary = tuple(MaskQueries(classes, masks, size, stride) for classes, masks in earlier)
        return MaskQueries(*layers[-1], size=size, stride=stride, auxiliary=auxiliary)

    @property
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""
        return STRIDES[-1]

    @property
    def receptive_field(self) -> None:
        """None: through attention every mask depends on the whole image."""
        return None

    @property
    def margin(self) -> None:
        """None, for the same reason."""
        return None


def pyramid_encoder(name: str, in_channels: int, pretrained: bool) -> TimmEncoder:
    """A timm encoder whose coarsest four features are at :data:`~intarsia.nn.pixel_decoder.STRIDES`.

    Args:
        name: of a timm model; see :class:`~intarsia.nn.encoders.TimmEncoder`.
        in_channels: of the image.
        pretrained: whether timm is to fetch its weights.

    Raises:
        RecipeError: timm has no such model, or its features are at other strides.
        FetchError: the weights could not be fetched.
    """
    encoder = TimmEncoder(name, in_channels, pretrained=pretrained)
    if encoder.strides[-len(STRIDES) :] != STRIDES:
        raise RecipeError(
            f"{name!r} has features at the strides {', '.join(map(str, encoder.strides))}, "
            f"but the pixel decoder takes {', '.join(map(str, STRIDES))}",
            where="argument `encoder`",
            remedy="Choose an encoder of five halvings, for example resnet50 or swin_tiny_patch4_window7_224",
        )
    return encoder
