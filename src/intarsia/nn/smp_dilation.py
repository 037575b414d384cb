"""How segmentation_models_pytorch's DeepLabs dilate: in ResNets of its own in one point differently.

Where a stage halves no more, its first 3×3 convolution still reads features as the stage before laid them out: its taps
stay where they were, and only what follows is dilated. Then the features at every second place equal those of the
network that halves, which was pretrained. timm and torchvision do so. segmentation_models_pytorch dilates that first
convolution too, except in timm's encoders (``tu-``), and its checkpoints have learned it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from intarsia.errors import RecipeError
from intarsia.nn.aspp import ASPP, aspp_rates
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder

VARIANTS = ("paper", "smp", "smp-universal")
"""What a network with an output stride computes: what its paper says, or what segmentation_models_pytorch does with an
encoder of its own or with timm's."""

_STAGES = ("layer1", "layer2", "layer3", "layer4")
_RATES = aspp_rates(output_stride=8)  # its default at 16 too


def dilate_as_smp(encoder: TimmEncoder) -> None:
    """Dilate the first 3×3 convolution of each dilated stage like the others, in place.

    Args:
        encoder: a ResNet or one of its kin, with an output stride.

    Raises:
        RecipeError: another encoder.
    """
    if not _is_resnet(encoder):
        raise RecipeError(
            f"found 'smp', but {encoder.name!r} is no ResNet, and no other encoder of smp's own is the same as timm's",
            where="argument `variant`",
            remedy="Choose variant=smp-universal, which is for its tu- encoders, or a ResNet",
        )
    for conv, dilation in _convolutions(encoder):
        conv.dilation = (dilation, dilation)
        conv.padding = (dilation, dilation)


def deeplab_form(
    network: EncoderDecoder, aspp: ASPP, *, output_stride: int, universal: bool
) -> dict[str, tuple[Any, Any]]:
    """What smp's DeepLabs are like, for :func:`~intarsia.nn.smp_layout.smp_layout`.

    Args:
        network: ours.
        aspp: its pyramid.
        output_stride: smp's default.
        universal: whether on timm's encoders (``tu-``) instead of its own.
    """
    variant = "paper"
    if network.align_corners:
        dilated = isinstance(network.encoder, TimmEncoder) and _is_dilated_as_smp(network.encoder)
        variant = "smp" if dilated else "smp-universal"
    return {
        "variant": (variant, "smp-universal" if universal else "smp"),
        "output_stride": (network.encoder.strides[-1], output_stride),
        "rates": (aspp.rates, _RATES),
    }


def _is_resnet(encoder: TimmEncoder) -> bool:
    return set(_STAGES) <= {name for name, _ in encoder.features.named_children()}


def _is_dilated_as_smp(encoder: TimmEncoder) -> bool:
    return _is_resnet(encoder) and all(conv.dilation == (dilation,) * 2 for conv, dilation in _convolutions(encoder))


def _convolutions(encoder: TimmEncoder) -> Iterator[tuple[nn.Conv2d, int]]:
    """The 3×3 convolutions of a ResNet's stages, and what dilation makes up for the halvings left out there."""
    strides = encoder.strides[-len(_STAGES) :]
    for level, (name, stride) in enumerate(zip(_STAGES, strides, strict=True)):
        for module in getattr(encoder.features, name).modules():
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                yield module, 4 * 2**level // stride
