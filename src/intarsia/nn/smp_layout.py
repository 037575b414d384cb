"""How segmentation_models_pytorch (smp) lays out what its networks share, for every ``convert.py`` that reads them.

What leaves no trace in the tensors (dilations, output strides, ways of resizing) is as smp has it by default: a network
built otherwise is refused, and a checkpoint that was made there otherwise cannot be told and is not to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from intarsia.errors import ModelFileError
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.layouts import Layout, check_form, encoder_name
from intarsia.nn.swin import is_swin
from intarsia.nn.upsampling import UpsamplingBlock

_PROGRAM = "segmentation_models_pytorch"
# smp's own encoders that compute what timm's model of the same name computes, under the same names of modules. Its
# DenseNets have the same tensors too, but hand their features on from other places; the rest have other names.
_OWN = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d"),
    *("resnext101_32x4d", "resnext101_32x8d", "resnext101_32x16d", "resnext101_32x32d"),
)
_OURS = "encoder.features."
_STAGES = ("layer1", "layer2", "layer3", "layer4")


def encoder_table(encoder: TimmEncoder, keys: Iterable[str], *, universal: bool) -> dict[str, str]:
    """The encoder's part of a :class:`~intarsia.nn.layouts.Layout`.

    Args:
        encoder: of our network.
        keys: of our network's state dict that belong to the encoder, ``encoder.features.…``; others are left out.
        universal: True for smp's ``tu-`` encoders, which keep timm's feature network as it is under ``encoder.model``;
            False for its own, whose layers lie directly under ``encoder``.

    Returns:
        From smp's key ("encoder.layer1.0.conv1.weight") to ours ("encoder.features.layer1.0.conv1.weight").

    Raises:
        ModelFileError: smp has no encoder that equals this one.
    """
    if not universal and encoder_name(encoder) not in _OWN:
        raise ModelFileError(
            f"{_PROGRAM} has no encoder of its own that computes what timm's {encoder.name!r} does",
            where="checkpoint",
            remedy=f"Choose the layout of its universal encoders (tu-…), or one of the encoders {', '.join(_OWN)}",
        )
    if is_swin(encoder.name):  # there of one size of image, and unshifted where features are as small as a window
        raise ModelFileError(
            f"{_PROGRAM} lays the windows of timm's {encoder.name!r} otherwise than this network",
            where="checkpoint",
            remedy="Choose another encoder; no checkpoint of it on a Swin can be read",
        )
    theirs = "encoder.model." if universal else "encoder."
    return {theirs + key.removeprefix(_OURS): key for key in keys if key.startswith(_OURS)}


def unused_stages(keys: Iterable[str]) -> tuple[str, ...]:
    """Where smp keeps the stages of its own encoders that a network of less depth never runs: ``Layout.ignored``.

    Args:
        keys: of our network's state dict, whose encoder leaves these stages out.
    """
    used = {key.removeprefix(_OURS).partition(".")[0] for key in keys}
    return tuple(f"encoder.{stage}." for stage in _STAGES if stage not in used)


def smp_layout(
    network: EncoderDecoder, decoder: Mapping[str, str], form: Mapping[str, tuple[Any, Any]], *, universal: bool
) -> Layout:
    """The layout of a network on an encoder of timm, with a head of one convolution.

    Args:
        network: ours.
        decoder: from smp's key of a tensor in the decoder to ours.
        form: how the network was built and how it has to be, see :func:`~intarsia.nn.layouts.check_form`.
        universal: see :func:`encoder_table`.

    Raises:
        ModelFileError: smp has no such network: its encoder is none of timm's, or its form is another.
    """
    if not isinstance(network.encoder, TimmEncoder):
        raise ModelFileError(
            f"{_PROGRAM} has nothing like an encoder from scratch",
            where="checkpoint",
            remedy="Build the network on an encoder of timm (encoder=resnet34, say)",
        )
    check_form(f"{_PROGRAM}, left at its defaults,", form)
    keys = list(network.state_dict())
    table = encoder_table(network.encoder, keys, universal=universal)
    head = {f"segmentation_head.0.{key.removeprefix('head.')}": key for key in keys if key.startswith("head.")}
    return Layout(_PROGRAM, {**table, **decoder, **head}, () if universal else unused_stages(keys))


def unet_form(decoder: nn.Module) -> dict[str, tuple[Any, Any]]:
    """What smp's U-Nets and U-Net++s are like, for :func:`smp_layout`.

    Args:
        decoder: of ours, with an :class:`~intarsia.nn.upsampling.UpsamplingBlock` for every block of theirs.
    """
    blocks = [module for module in decoder.modules() if isinstance(module, UpsamplingBlock)]
    resizes = [part for part in blocks[0].upsample.modules() if isinstance(part, nn.Upsample)]
    norm = "group" if any(isinstance(part, nn.GroupNorm) for part in blocks[0].modules()) else "batch"
    return {"upsampling": (resizes[0].mode if resizes else "transposed", "nearest"), "norm": (norm, "batch")}
