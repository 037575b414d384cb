"""What every architecture is to the rest of the house."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn


class SegmentationNetwork(nn.Module, ABC):
    """A network that takes normalized pictures [B, C, H, W] of any H, W ≥ 1 and returns one of ``types.outputs``."""

    @property
    @abstractmethod
    def receptive_field(self) -> int | None:
        """The side in pixels of the largest input window one output pixel can depend on; None for the whole image."""

    @property
    @abstractmethod
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""

    @abstractmethod
    def load_encoder_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Start the encoder from pretrained weights.

        Raises:
            ModelFileError: they do not fit the encoder; nothing is changed then.
        """
