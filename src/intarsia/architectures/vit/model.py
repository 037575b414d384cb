"""A vision transformer and a small head, as in DINOv2's linear evaluation (Oquab et al. 2023, arXiv:2304.07193)."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.vit.decoder import DECODERS
from intarsia.architectures.vit.encoder import ViTEncoder
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.encoder_decoder import EncoderDecoder

ViT = EncoderDecoder
"""A plain vision transformer, what merges its levels, and a 1×1 convolution to scores, enlarged bilinearly."""

# Wider starts drown what a linear layer on normalised features learns first.
_HEAD_DEVIATION = 0.01


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "vit_small_patch14_dinov2",
    levels: int = 4,
    head: str = "linear",
    pretrained: bool = False,
) -> ViT:
    """A plain vision transformer of timm, and a head.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a plain vision transformer of timm: ``vit_*`` (DINOv2, DINOv3, CLIP, SigLIP, ImageNet …), ``deit*``,
            ``eva02_*``.
        levels: after how many blocks, evenly spaced to the last, features are taken; 1 for the last alone.
        head: "linear", one 1×1 convolution of the normalised features; or "progressive", three convolutions that
            double the features' size twice, for finer edges.
        pretrained: whether timm is to fetch the encoder's weights. Without any, choose another architecture: this
            one's worth is in them.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "levels": levels}
    for name, count in counts.items():
        check_count(name, count)
    check_choice("head", head, DECODERS)
    features = ViTEncoder(encoder, in_channels, levels, pretrained)
    decoder = DECODERS[head](features.out_channels)
    scores = nn.Conv2d(decoder.out_channels, num_classes, kernel_size=1)
    nn.init.normal_(scores.weight, std=_HEAD_DEVIATION)
    return ViT(features, decoder, scores)
