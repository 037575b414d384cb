"""U-Net (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597), from scratch or on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.unet.decoder import UNetDecoder
from intarsia.architectures.unet.encoder import DoubleConvEncoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import Encoder, TimmEncoder

UNet = EncoderDecoder
"""An encoder, a decoder that takes its features at every size, and a head that turns the finest into scores."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "scratch",
    depth: int | None = None,
    base_width: int | None = None,
    upsampling: str | None = None,
    norm: str = "batch",
    pretrained: bool = False,
) -> UNet:
    """A U-Net from scratch, or on the features of a timm model with the decoder customary there.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: "scratch", or a timm model ("resnet34").
        depth: how often height and width are halved; default 4 from scratch (the paper's), else as often as the model.
        base_width: channels at full resolution, doubling with every halving. Default 32 from scratch: half the paper's
            64, so a quarter of its parameters and time; with a timm encoder it is the decoder's, default 16.
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
    if encoder != "scratch":
        width, upsampling = base_width or 16, upsampling or "nearest"
        features = TimmEncoder(encoder, in_channels, depth, pretrained)
        decoder = _decoder(features, width, upsampling, norm, narrow=False)
        return UNet(features, decoder, nn.Conv2d(width, num_classes, kernel_size=3, padding=1))
    if pretrained:
        raise RecipeError(
            "found True, but a U-Net from scratch has no published weights",
            where="argument `pretrained`",
            remedy="Name an encoder that has, for example encoder=resnet18, or leave `pretrained` out",
        )
    width, upsampling = base_width or 32, upsampling or "bilinear"
    contraction = DoubleConvEncoder(in_channels, depth or 4, width, norm)
    decoder = _decoder(contraction, width, upsampling, norm, narrow=True)
    return UNet(contraction, decoder, nn.Conv2d(width, num_classes, kernel_size=1))


def _decoder(encoder: Encoder, width: int, upsampling: str, norm: str, narrow: bool) -> UNetDecoder:
    return UNetDecoder(
        encoder.out_channels, encoder.strides, base_width=width, upsampling=upsampling, norm=norm, narrow=narrow
    )
