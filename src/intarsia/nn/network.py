"""What every architecture is to the rest of the house, and what all of them do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from intarsia.nn.encoders import Encoder
from intarsia.nn.images import check_image
from intarsia.nn.receptive_field import Margin
from intarsia.ops.pad import pad_to_size, padded_size
from intarsia.types import Output, SemanticLogits

# Normalisation refuses to train on a single value a channel, which is all that one image leaves in one cell.
_LEAST_CELLS = 2


class SegmentationNetwork(nn.Module, ABC):
    """A network that takes normalized pictures [B, C, H, W] of any H, W ≥ 1 and returns one of ``types.outputs``.

    Attributes:
        output: which of them.
        encoder: from the image to features, fine to coarse.
        decoder: what works on these.
    """

    output: ClassVar[type[Output]] = SemanticLogits
    encoder: Encoder
    decoder: nn.Module

    @property
    @abstractmethod
    def receptive_field(self) -> int | None:
        """The side in pixels of the largest input window one output pixel can depend on; None for the whole image."""

    @property
    @abstractmethod
    def margin(self) -> Margin | None:
        """What a tile must hold around a pixel for its logits to be those of the whole image; None: all of the image.

        See :func:`~intarsia.nn.receptive_field.margin`.
        """

    @property
    @abstractmethod
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""

    def encoder_layers(self) -> list[list[nn.Parameter]]:
        """The encoder's parameters, layer by layer from the image on, for freezing and layer-wise learning rates.

        Every parameter of the encoder is in exactly one layer; those of the decoder and the head are in none.
        """
        return self.encoder.layers()

    def load_encoder_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Start the encoder from pretrained weights: in timm's layout (torchvision's for ResNets, which is the same).

        What other layouts an encoder takes, its ``load_weights`` says.

        Args:
            state_dict: of the whole classifier, fp16 or fp32; its classifier is left out and the convolution that reads
                RGB is adapted to the network's channels.

        Raises:
            ModelFileError: they do not fit the encoder; nothing is changed then.
        """
        self.encoder.load_weights(state_dict)

    def _padded(self, image: Tensor) -> Tensor:
        """The image, its last row and column repeated until it has whole cells and two of the coarsest at least.

        Raises:
            ShapeError: another number of channels than the network was built for, or no float batch at all.
        """
        check_image(image, self.encoder.in_channels)
        height, width = image.shape[-2:]
        return pad_to_size(image, *padded_size(height, width, self.stride, _LEAST_CELLS))
