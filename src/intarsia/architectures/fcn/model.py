"""FCN (Long, Shelhamer & Darrell 2015, arXiv:1411.4038): a classifier that scores every position."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.fcn.decoder import DilatedDecoder, SkipDecoder
from intarsia.architectures.fcn.upsampling import LearnedUpsampling
from intarsia.architectures.fcn.vgg import PUBLISHED_WIDTH, FullyConvolutional, VggEncoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import Encoder, TimmEncoder

FCN = EncoderDecoder
"""An encoder, a decoder that turns its coarse features into coarse scores, and a head that enlarges them."""

_DILATED_STRIDES = (8, 16)


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "vgg16",
    stride: int = 8,
    dilated: bool = False,
    fc_width: int | None = None,
    pretrained: bool = False,
) -> FCN:
    """FCN-32s, FCN-16s or FCN-8s, on VGG as in the paper or on any encoder of timm; or torchvision's dilated FCN.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model; with a VGG ("vgg16", "vgg16_bn") its fully-connected layers are kept, as convolutions.
        stride: pixels a side of one cell of the finest scores: 32, 16 or 8 as in the paper, or another that the encoder
            has. Finer scores cost next to nothing.
        dilated: whether the encoder reaches ``stride`` (8 or 16) by dilating its last convolutions, without skips,
            as ``torchvision.models.segmentation.fcn_resnet50`` does (there 8); False to add the scores of finer
            features, as the paper does.
        fc_width: channels of a VGG's fully-connected layers. Default 4096, the published weights' (119.5 million
            parameters in these layers alone); at any other width they start from scratch and belong to the decoder.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range, or an encoder that lacks this stride or cannot dilate.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "stride": stride, "fc_width": fc_width}
    for name, count in counts.items():
        if count is not None:
            check_count(name, count)
    is_vgg = encoder.startswith("vgg") and not dilated
    if fc_width and not is_vgg:
        raise RecipeError(
            f"found {fc_width}, but {'a dilated FCN' if dilated else encoder} has no fully-connected layers to convert",
            where="argument `fc_width`",
            remedy="Leave it out, or choose encoder=vgg16 without `dilated`",
        )
    if dilated:
        return _dilated(in_channels, num_classes, encoder, stride, pretrained)
    width = fc_width or PUBLISHED_WIDTH
    features: Encoder
    if is_vgg:
        features = VggEncoder(encoder, in_channels, with_fc=width == PUBLISHED_WIDTH, pretrained=pretrained)
    else:
        features = TimmEncoder(encoder, in_channels, pretrained=pretrained)
    if stride not in features.strides:
        raise _impossible_stride(stride, encoder, features.strides)
    # Layers without published weights learn at the decoder's rate and are not to be frozen: they belong to it.
    top = FullyConvolutional(features.out_channels[-1], width) if is_vgg and width != PUBLISHED_WIDTH else None
    finest = features.strides.index(stride)
    channels = (*features.out_channels[finest:-1], width if is_vgg else features.out_channels[-1])
    decoder = SkipDecoder(channels, features.strides[finest:], num_classes, top)
    return FCN(features, decoder, LearnedUpsampling(num_classes, stride))


def _dilated(in_channels: int, num_classes: int, encoder: str, stride: int, pretrained: bool) -> FCN:
    if stride not in _DILATED_STRIDES:
        raise _impossible_stride(stride, "a dilated FCN", _DILATED_STRIDES)
    features = TimmEncoder(encoder, in_channels, output_stride=stride, pretrained=pretrained)
    decoder = DilatedDecoder(features.out_channels[-1])
    return FCN(features, decoder, nn.Conv2d(decoder.out_channels, num_classes, kernel_size=1))


def _impossible_stride(stride: int, who: str, possible: tuple[int, ...]) -> RecipeError:
    return RecipeError(
        f"found {stride}, which {who} has no features at",
        where="argument `stride`",
        remedy=f"Give one of {', '.join(map(str, possible))}",
    )
