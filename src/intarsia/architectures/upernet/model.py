"""UPerNet (Xiao, Liu, Zhou, Jiang & Sun 2018, arXiv:1807.10221) on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.upernet.decoder import UPerNetDecoder
from intarsia.nn.arguments import check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder

UPerNet = EncoderDecoder
"""An encoder, a feature pyramid with pyramid pooling at its top, and a head that scores the fused levels."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    width: int = 512,
    feature_norm: bool = False,
    align_corners: bool = False,
    pretrained: bool = False,
) -> UPerNet:
    """A UPerNet for semantic segmentation.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model ("resnet50"); its features from stride 4 on are used.
        width: channels of every level; 512 in the authors' release, 256 in its lighter version and by default in
            segmentation_models_pytorch.
        feature_norm: whether the encoder's features are layer-normalised before use. Encoders without batch
            normalisation (ConvNeXt) end their stages unnormalised and want it; segmentation_models_pytorch always does.
        align_corners: how logits are enlarged; True for checkpoints of segmentation_models_pytorch.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes, "width": width}.items():
        check_count(name, count)
    features = TimmEncoder(encoder, in_channels, pretrained=pretrained)
    decoder = UPerNetDecoder(features.out_channels, features.strides, width=width, feature_norm=feature_norm)
    return UPerNet(features, decoder, nn.Conv2d(width, num_classes, kernel_size=1), align_corners)
