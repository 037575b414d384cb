"""From the encoder's last features to those the scores are read from."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.aspp import ASPP
from intarsia.nn.conv import ConvNormReLU


class DeepLabV3Decoder(nn.Module):
    """Atrous spatial pyramid pooling, then one 3×3 convolution.

    Args:
        aspp: on the encoder's last features.
        width: channels it returns.
    """

    def __init__(self, aspp: ASPP, width: int) -> None:
        super().__init__()
        self.aspp = aspp
        self.conv = ConvNormReLU(width, width)

    def forward(self, features: list[Tensor]) -> Float[Tensor, "batch width rows columns"]:
        """Features of the last, coarsest size, from the encoder's, fine to coarse."""
        refined: Tensor = self.conv(self.aspp(features[-1]))
        return refined
