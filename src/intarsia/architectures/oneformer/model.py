"""OneFormer (Jain, Li, Chiu, Hassani, Orlov & Shi 2023, arXiv:2211.06220), for semantic segmentation."""

from __future__ import annotations

from intarsia.architectures.oneformer.decoder import OneFormerDecoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count, check_queries
from intarsia.nn.mask_query_network import MaskQueryNetwork, pyramid_encoder
from intarsia.nn.pixel_decoder import check_width

OneFormer = MaskQueryNetwork
"""An encoder, and a decoder from its features to masks with classes."""

_LEAST_QUERIES = 2


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    queries: int = 150,
    width: int = 256,
    pixel_layers: int = 6,
    decoder_layers: int = 9,
    pretrained: bool = False,
) -> OneFormer:
    """A OneFormer on a timm encoder; defaults are the paper's, on ResNet-50.

    Args:
        in_channels: of the image.
        num_classes: classes a mask can have, "nothing" not counted.
        encoder: a timm model with features at strides 4, 8, 16 and 32 ("resnet50", "swin_tiny_patch4_window7_224").
        queries: masks it gives, ≥ 2, for one of them comes from the task; more than a picture has regions, and no fewer
            than there are classes (100 are enough for any number).
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
    if queries < _LEAST_QUERIES:
        raise RecipeError(
            f"found {queries}, but one query is the task's own",
            where="argument `queries`",
            remedy=f"Give {_LEAST_QUERIES} or more",
        )
    check_queries(queries, num_classes)
    features = pyramid_encoder(encoder, in_channels, pretrained)
    decoder = OneFormerDecoder(
        features,
        num_classes,
        queries=queries,
        width=width,
        pixel_layers=pixel_layers,
        decoder_layers=decoder_layers,
    )
    return OneFormer(features, decoder)
