"""What every architecture is to the rest of the house."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from intarsia.types import Output, SemanticLogits


class SegmentationNetwork(nn.Module, ABC):
    """A network that takes normalized pictures [B, C, H, W] of any H, W ≥ 1 and returns one of ``types.outputs``.

    Attributes:
        output: which of them.
    """

    output: ClassVar[type[Output]] = SemanticLogits

    @property
    @abstractmethod
    def receptive_field(self) -> int | None:
        """The side in pixels of the largest input window one output pixel can depend on; None for the whole image."""

    @property
    @abstractmethod
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""

    @abstractmethod
    def encoder_layers(self) -> list[list[nn.Parameter]]:
        """The encoder's parameters, layer by layer from the image on, for freezing and layer-wise learning rates.

        Every parameter of the encoder is in exactly one layer; those of the decoder and the head are in none.
        """

    @abstractmethod
    def load_encoder_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Start the encoder from pretrained weights.

        Raises:
            ModelFileError: they do not fit the encoder; nothing is changed then.
        """
