"""Mask2Former (Cheng, Misra, Schwing, Kirillov & Girdhar 2022, arXiv:2112.01527), for semantic segmentation."""

from __future__ import annotations

from intarsia.architectures.mask2former.decoder import Mask2FormerDecoder
from intarsia.nn.arguments import check_count, check_queries
from intarsia.nn.mask_query_network import MaskQueryNetwork, pyramid_encoder
from intarsia.nn.pixel_decoder import check_width

Mask2Former = MaskQueryNetwork
"""An encoder, and a decoder from its features to masks with classes."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    queries: int = 100,
    width: int = 256,
    pixel_layers: int = 6,
    decoder_layers: int = 9,
    pretrained: bool = False,
) -> Mask2Former:
    """A Mask2Former on a timm encoder; defaults are the paper's, on its smallest encoder.

    Args:
        in_channels: of the image.
        num_classes: classes a mask can have, "nothing" not counted.
        encoder: a timm model with features at strides 4, 8, 16 and 32 ("resnet50", "swin_tiny_patch4_window7_224").
        queries: masks it gives; more than a picture has regions, and no fewer than there are classes (100 are enough
            for any number).
        width: channels of the decoders, a multiple of 32.
        pixel_layers: of multi-scale deformable attention, which makes the encoder's features finer.
        decoder_layers: of masked attention, in which queries look at these features.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "queries": queries}
    counts |= {"pixel_layers": pixel_layers, "decoder_layers": decoder_layers}
    for name, count in counts.items():
        check_count(name, count)
    check_width(width)
    check_queries(queries, num_classes)
    features = pyramid_encoder(encoder, in_channels, pretrained)
    decoder = Mask2FormerDecoder(
        features,
        num_classes,
        queries=queries,
        width=width,
        pixel_layers=pixel_layers,
        decoder_layers=decoder_layers,
    )
    return Mask2Former(features, decoder)
