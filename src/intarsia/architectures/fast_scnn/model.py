"""Fast-SCNN (Poudel, Liwicki & Cipolla 2019, arXiv:1902.04502): two branches that share their first layers."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.fast_scnn.decoder import FeatureFusion
from intarsia.architectures.fast_scnn.encoder import FastSCNNEncoder
from intarsia.nn.arguments import check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.separable import SeparableConvNormReLU

FastSCNN = EncoderDecoder
"""Features at an eighth and at a thirty-second of the image's size, their fusion, and a classifier."""

_DROPOUT = 0.1  # §4.1 has dropout before the softmax only and does not say how much


def build(*, in_channels: int, num_classes: int) -> FastSCNN:
    """A Fast-SCNN, of the one size its paper has.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.

    Raises:
        RecipeError: an argument out of its range.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes}.items():
        check_count(name, count)
    encoder = FastSCNNEncoder(in_channels)
    fine, coarse = encoder.out_channels
    fusion = FeatureFusion(fine, coarse, factor=encoder.strides[1] // encoder.strides[0])
    classifier = nn.Sequential(
        SeparableConvNormReLU(coarse, coarse),
        SeparableConvNormReLU(coarse, coarse),
        nn.Dropout(_DROPOUT),
        nn.Conv2d(coarse, num_classes, kernel_size=1),
    )
    return FastSCNN(encoder, fusion, classifier)
