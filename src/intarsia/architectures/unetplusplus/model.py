"""U-Net++ (Zhou et al. 2018, arXiv:1807.10165), from scratch or on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.unetplusplus.decoder import NestedDecoder
from intarsia.nn.arguments import check_count
from intarsia.nn.double_conv_encoder import SCRATCH, named_encoder
from intarsia.nn.encoder_decoder import EncoderDecoder

UNetPlusPlus = EncoderDecoder
"""An encoder, a decoder of nested blocks between its features, and a head that turns the finest into scores."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = SCRATCH,
    depth: int | None = None,
    base_width: int | None = None,
    upsampling: str | None = None,
    norm: str = "batch",
    pretrained: bool = False,
) -> UNetPlusPlus:
    """A U-Net++ from scratch, or on the features of a timm model with the decoder customary there.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: "scratch", or a timm model ("resnet34").
        depth: how often height and width are halved; default 4 from scratch (the paper's), else as often as the model.
        base_width: channels at full resolution, doubling with every halving. Default 32 from scratch (the paper's);
            with a timm encoder it is that of the decoder's last blocks, default 16.
        upsampling: "bilinear" (default from scratch), "nearest" (default with a timm encoder) or "transposed".
        norm: "batch" or "group", in the decoder and the encoder from scratch; a timm encoder keeps its own.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "depth": depth, "base_width": base_width}
    for name, count in counts.items():
        if count is not None:
            check_count(name, count)
    scratch = encoder == SCRATCH
    width = base_width or (32 if scratch else 16)
    contraction = named_encoder(encoder, in_channels, depth=depth, base_width=width, norm=norm, pretrained=pretrained)
    decoder = NestedDecoder(
        contraction.out_channels,
        contraction.strides,
        base_width=width,
        upsampling=upsampling or ("bilinear" if scratch else "nearest"),
        norm=norm,
        narrow=scratch,
    )
    kernel = 1 if scratch else 3
    return UNetPlusPlus(contraction, decoder, nn.Conv2d(width, num_classes, kernel, padding=kernel // 2))
