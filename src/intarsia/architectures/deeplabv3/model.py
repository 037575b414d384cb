"""DeepLabV3 (Chen, Papandreou, Schroff & Adam 2017, arXiv:1706.05587) on any encoder of timm that can dilate."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from intarsia.architectures.deeplabv3.decoder import DeepLabV3Decoder
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.aspp import ASPP, aspp_rates
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.smp_dilation import VARIANTS, dilate_as_smp

DeepLabV3 = EncoderDecoder
"""A dilated encoder, atrous spatial pyramid pooling on its last features, and scores enlarged from there."""

_SMP_STRIDE = 8  # its default rates are those of this output stride at 16 too


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    output_stride: int = 16,
    width: int = 256,
    rates: Sequence[int] | None = None,
    separable: bool = False,
    dropout: float = 0.1,
    variant: str = "paper",
    pretrained: bool = False,
) -> DeepLabV3:
    """A DeepLabV3 on the features of a timm model.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model that can dilate ("resnet50", "mobilenetv2_100", "xception65", "efficientnet_b0").
        output_stride: image pixels a side for one cell of the last features: 16, or 8, which is finer and costs up to
            four times as much from there on.
        width: channels of each branch of the pyramid and of what follows it.
        rates: dilations in the pyramid; default 6, 12, 18 at an output stride of 16 and 12, 24, 36 at 8.
        separable: whether the dilated convolutions of the pyramid are depthwise separable.
        dropout: the share of the pyramid's values zeroed in training, in [0, 1).
        variant: "paper"; or, for checkpoints of segmentation_models_pytorch, what it computes: "smp" with encoders of
            its own, "smp-universal" with timm's (``tu-``). Scores are enlarged with aligned corners then, the default
            rates are 12, 24, 36, and its own ResNets dilate one convolution more (:mod:`intarsia.nn.smp_dilation`).
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
    if rates is None:
        rates = aspp_rates(output_stride if variant == "paper" else _SMP_STRIDE)
    aspp = ASPP(features.out_channels[-1], width, rates, separable=separable, dropout=dropout)
    head = nn.Conv2d(width, num_classes, kernel_size=1)
    return DeepLabV3(features, DeepLabV3Decoder(aspp, width), head, align_corners=variant != "paper")
