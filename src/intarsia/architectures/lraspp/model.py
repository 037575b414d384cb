"""LR-ASPP (Howard et al. 2019, MobileNetV3, arXiv:1905.02244, §6.4) on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.lraspp.decoder import LRASPPDecoder
from intarsia.architectures.lraspp.torchvision_encoder import TorchvisionEncoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder

LRASPP = EncoderDecoder
"""An encoder and a decoder that gates its coarse features by their mean and scores them beside fine ones."""

VARIANTS = ("paper", "torchvision")

_OUTPUT_STRIDES = (8, 16, 32)
_AS_PUBLISHED = 32
_FINE_STRIDE = 8


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "mobilenetv3_large_100",
    output_stride: int = 16,
    width: int = 128,
    variant: str = "paper",
    pretrained: bool = False,
) -> LRASPP:
    """An LR-ASPP on the features of a timm model.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model ("mobilenetv3_large_100", "mobilenetv2_100", "tf_efficientnet_lite0").
        output_stride: image pixels a side for one cell of the coarse features: 16 or 8, for which the encoder has to
            dilate, or 32, the encoder as published. The paper has 16 and 32.
        width: channels of the gated features; 128 or 256 in the paper.
        variant: "paper"; or "torchvision", what its ``lraspp_mobilenet_v3_large`` computes, for its checkpoints: see
            :class:`~intarsia.architectures.lraspp.torchvision_encoder.TorchvisionEncoder`.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range, or an encoder that cannot keep the output stride.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes, "width": width}.items():
        check_count(name, count)
    check_choice("variant", variant, VARIANTS)
    if output_stride not in _OUTPUT_STRIDES:
        remedy = f"Give one of {', '.join(map(str, _OUTPUT_STRIDES))}"
        raise RecipeError(f"found {output_stride!r}", where="argument `output_stride`", remedy=remedy)
    if variant == "torchvision":
        features: TimmEncoder = TorchvisionEncoder(encoder, in_channels, output_stride, pretrained)
    else:
        dilated_to = None if output_stride == _AS_PUBLISHED else output_stride
        features = TimmEncoder(encoder, in_channels, output_stride=dilated_to, pretrained=pretrained)
    # The paper's are at stride 8. They would be no finer than the coarse ones at an output stride of 8.
    fine_stride = min(_FINE_STRIDE, output_stride // 2)
    if fine_stride not in features.strides[:-1]:
        raise RecipeError(
            f"the timm model {encoder!r} has no features at stride {fine_stride}",
            where="argument `encoder`",
            remedy="Choose one that has, for example mobilenetv3_large_100 or mobilenetv2_100",
        )
    fine_level = features.strides.index(fine_stride)
    decoder = LRASPPDecoder(
        features.out_channels[-1], features.out_channels[fine_level], num_classes, width=width, fine_level=fine_level
    )
    return LRASPP(features, decoder, nn.Identity())
