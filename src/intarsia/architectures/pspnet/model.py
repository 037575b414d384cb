"""PSPNet (Zhao, Shi, Qi, Wang & Jia 2017, arXiv:1612.01105) on any encoder of timm."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.pspnet.decoder import PSPDecoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice, check_count
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder

PSPNet = EncoderDecoder
"""An encoder, pyramid pooling over its coarsest features, and a head that scores the result."""

VARIANTS = ("paper", "smp")


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "resnet50",
    depth: int | None = None,
    output_stride: int | None = None,
    width: int = 512,
    variant: str = "paper",
    pretrained: bool = False,
) -> PSPNet:
    """A PSPNet: context from the whole image and parts of it, at one size of features.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: a timm model ("resnet50"); the default is the paper's smaller one.
        depth: to let the encoder halve so often, as published, and no further; 3 gives stride 8 too, for a fraction of
            the cost and of what the encoder has learned. Default: all of it, dilated.
        output_stride: of the dilated encoder's coarsest features: 8 (default, the paper's) or 16.
        width: channels before the head; 512 in the paper.
        variant: "paper"; or "smp", what segmentation_models_pytorch computes, for its checkpoints: the merging
            convolution is 1×1 and the head 3×3 instead of the reverse, the whole image's mean is not normalised, and
            corners are aligned.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range, an encoder that cannot dilate, or both ``depth`` and
            ``output_stride``.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "depth": depth, "width": width}
    for name, count in counts.items():
        if count is not None:
            check_count(name, count)
    check_choice("variant", variant, VARIANTS)
    dilated_to = _output_stride(depth, output_stride)
    features = TimmEncoder(encoder, in_channels, depth, dilated_to, pretrained)
    as_smp = variant == "smp"
    decoder = PSPDecoder(
        features.out_channels[-1],
        width,
        kernel_size=1 if as_smp else 3,
        align_corners=as_smp,
        normalized_single=not as_smp,
    )
    head_size = 3 if as_smp else 1
    head = nn.Conv2d(width, num_classes, head_size, padding=head_size // 2)
    return PSPNet(features, decoder, head, align_corners=as_smp)


def _output_stride(depth: int | None, output_stride: int | None) -> int | None:
    """What the encoder must dilate for; None where it is to halve as published."""
    if depth is None:
        return 8 if output_stride is None else output_stride
    if output_stride is not None:
        raise RecipeError(
            f"found depth={depth} and output_stride={output_stride}, which are two ways to the same end",
            where="arguments `depth` and `output_stride`",
            remedy="Give `depth` to cut the encoder off, or `output_stride` to dilate it",
        )
    return None
