"""DeepLabV3+ (Chen, Zhu, Papandreou, Schroff & Adam 2018, arXiv:1802.02611) on any encoder of timm that can dilate."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from intarsia.architectures.deeplabv3plus.decoder import DeepLabV3PlusDecoder
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.aspp import ASPP, aspp_rates
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.smp_dilation import VARIANTS, dilate_as_smp

DeepLabV3Plus = EncoderDecoder
"""A dilated encoder, a decoder that refines its pooled features by fine ones, and scores enlarged from there."""

_FINE_STRIDE = 4
_SMP_STRIDE = 8  # its default rates are those of this output stride at 16 too


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    output_stride: int = 16,
    width: int = 256,
    rates: Sequence[int] | None = None,
    separable: bool = True,
    dropout: float = 0.1,
    variant: str = "paper",
    pretrained: bool = False,
) -> DeepLabV3Plus:
    """A DeepLabV3+ on the features of a timm model.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model that can dilate ("resnet50", "mobilenetv2_100", "xception65", "efficientnet_b0").
        output_stride: image pixels a side for one cell of the last features: 16, or 8, which is finer and costs up to
            four times as much there.
        width: channels of each branch of the pyramid and of the decoder.
        rates: dilations in the pyramid; default 6, 12, 18 at an output stride of 16 and 12, 24, 36 at 8.
        separable: whether the 3×3 convolutions of pyramid and decoder are depthwise separable; the decoder's always are
            in segmentation_models_pytorch.
        dropout: the share of the pyramid's values zeroed in training, in [0, 1).
        variant: "paper"; or, for checkpoints of segmentation_models_pytorch, what it computes: "smp" with encoders of
            its own, "smp-universal" with timm's (``tu-``). The first of the decoder's two 3×3 convolutions comes before
            enlarging then, corners are aligned, the default rates are 12, 24, 36, and its own ResNets dilate one
            convolution more (:mod:`intarsia.nn.smp_dilation`).
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range, or an encoder that cannot keep the output stride.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    for name, count in {"in_channels": in_channels, "num_classes": num_classes, "width": width}.items():
        check_count(name, count)
    check_choice("variant", variant, VARIANTS)
    features = TimmEncoder(encoder, in_channels, output_stride=output_stride, pretrained=pretrained)
    if variant == "smp":
        dilate_as_smp(features)
    as_smp = variant != "paper"
    if rates is None:
        rates = aspp_rates(_SMP_STRIDE if as_smp else output_stride)
    fine_level = features.strides.index(_FINE_STRIDE)
    decoder = DeepLabV3PlusDecoder(
        ASPP(features.out_channels[-1], width, rates, separable=separable, dropout=dropout),
        width,
        fine_level=fine_level,
        fine_channels=features.out_channels[fine_level],
        separable=separable or as_smp,
        early_conv=as_smp,
        align_corners=as_smp,
    )
    return DeepLabV3Plus(features, decoder, nn.Conv2d(width, num_classes, kernel_size=1), align_corners=as_smp)
