"""FPN for semantic segmentation (Kirillov, Girshick, He & Dollár 2019, arXiv:1901.02446) on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.fpn.decoder import MERGES, FPNDecoder
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder

FPN = EncoderDecoder
"""An encoder, a feature pyramid merged at stride 4, and a head that scores the result."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    width: int = 128,
    merge: str = "sum",
    smooth: bool = True,
    align_corners: bool = False,
    pretrained: bool = False,
) -> FPN:
    """A feature pyramid network with the semantic branch of Panoptic FPN.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model ("resnet50", the paper's smaller one); its features from stride 4 on are used.
        width: channels of each level of the semantic branch, and half of the pyramid's; 128 (and 256) in the paper.
        merge: of the levels at stride 4: "sum" (the paper's) or "concatenate".
        smooth: whether each level of the pyramid is convolved 3×3, as in the paper; segmentation_models_pytorch leaves
            that out.
        align_corners: how features and logits are enlarged; True for checkpoints of segmentation_models_pytorch.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes, "width": width}.items():
        check_count(name, count)
    check_choice("merge", merge, MERGES)
    features = TimmEncoder(encoder, in_channels, pretrained=pretrained)
    decoder = FPNDecoder(
        features.out_channels, features.strides, width=width, merge=merge, smooth=smooth, align_corners=align_corners
    )
    head = nn.Conv2d(decoder.out_channels, num_classes, kernel_size=1)
    return FPN(features, decoder, head, align_corners)
