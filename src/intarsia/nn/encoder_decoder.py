"""Encoder, decoder, head: what most architectures are, at any size of image."""

from __future__ import annotations

from functools import cached_property

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.encoders import Encoder
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.receptive_field import Margin, margin, receptive_field
from intarsia.ops.pad import crop_to_size
from intarsia.types import SemanticLogits


class EncoderDecoder(SegmentationNetwork):
    """An encoder, a decoder that merges its features, and a head that turns the result into scores.

    Args:
        encoder: from the image to features, fine to coarse.
        decoder: from the list of these to one feature map, at the image's size or coarser.
        head: from that map to one score a class; it may resize too.
        align_corners: how logits coarser than the image are enlarged (bilinearly): False puts a cell over the pixels it
            was computed from, whatever the image's size. True stretches the corner cells' centers onto the corner
            pixels' centers, as some programs do whose weights may be loaded here.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, head: nn.Module, align_corners: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head
        self.align_corners = align_corners

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> SemanticLogits:
        """One score a class and pixel.

        Args:
            image: normalised as in training; any H, W ≥ 1. Inside, the last row and column are repeated until both
                sides are multiples of :attr:`stride` and the coarsest features have two cells at least.

        Returns:
            Logits [B, classes, H, W] at the image's own size.

        Raises:
            ShapeError: another number of channels than the network was built for, or no float batch at all.
        """
        padded = self._padded(image)
        logits: Tensor = self.head(self.decoder(self.encoder(padded)))
        if logits.shape[-2:] != padded.shape[-2:]:
            logits = functional.interpolate(
                logits, padded.shape[-2:], mode="bilinear", align_corners=self.align_corners
            )
        return SemanticLogits(crop_to_size(logits, *image.shape[-2:]))

    @property
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""
        return self.encoder.strides[-1]

    @cached_property
    def receptive_field(self) -> int | None:
        """The side in pixels of the largest input window one output pixel can depend on; None for the whole image."""
        return receptive_field(self, self.encoder.in_channels, self.stride)

    @cached_property
    def margin(self) -> Margin | None:
        """What a tile must hold around a pixel for its logits to be those of the whole image; None: all of it."""
        return margin(self, self.encoder.in_channels, self.stride)
