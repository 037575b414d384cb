"""DDRNet (Hong, Pan, Sun & Jia 2021, arXiv:2101.06085): two branches of two resolutions that keep talking."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.ddrnet.decoder import DDRDecoder
from intarsia.architectures.ddrnet.encoder import DualResolutionEncoder
from intarsia.nn.arguments import check_count
from intarsia.nn.encoder_decoder import EncoderDecoder

DDRNet = EncoderDecoder
"""Features at an eighth and a sixty-fourth of the image's size, the latter pooled at five scales, and their sum."""


def build(*, in_channels: int, num_classes: int, width: int = 32) -> DDRNet:
    """A DDRNet-23-slim or, of twice the width, a DDRNet-23.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        width: channels of the stem: 32 (slim) or 64 in the paper. The branches have multiples of it.

    Raises:
        RecipeError: an argument out of its range.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes, "width": width}.items():
        check_count(name, count)
    encoder = DualResolutionEncoder(in_channels, width)
    fine, coarse = encoder.out_channels
    decoder = DDRDecoder(coarse, fine, 2 * width)
    return DDRNet(encoder, decoder, nn.Conv2d(2 * width, num_classes, kernel_size=1))
