"""How segmentation_models_pytorch (smp) lays out what its networks share, for every ``convert.py`` that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from intarsia.errors import ModelFileError
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.layouts import Layout

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
        ModelFileError: smp has no encoder of its own that equals this one.
    """
    if not universal and encoder.name.partition(".")[0] not in _OWN:
        raise ModelFileError(
            f"segmentation_models_pytorch has no encoder of its own that computes what timm's {encoder.name!r} does",
            where="checkpoint",
            remedy=f"Choose the layout of its universal encoders (tu-…), or one of the encoders {', '.join(_OWN)}",
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


def smp_layout(network: EncoderDecoder, decoder_key: Callable[[str], str | None], *, universal: bool) -> Layout:
    """The layout of a network on an encoder of timm, with a head of one convolution.

    Args:
        network: ours.
        decoder_key: from our key of a tensor in the decoder to smp's; None where smp has no such tensor.
        universal: see :func:`encoder_table`.

    Raises:
        ModelFileError: smp has no such network: its encoder is none of timm's, or its decoder has other parts.
    """
    if not isinstance(network.encoder, TimmEncoder):
        raise _without_counterpart("an encoder from scratch", "Build the network on an encoder of timm")
    keys = list(network.state_dict())
    table = encoder_table(network.encoder, keys, universal=universal)
    for key in keys:
        if key.startswith("decoder."):
            theirs = decoder_key(key)
            if theirs is None:
                remedy = "Build the network with the defaults of its decoder, and without attention gates"
                raise _without_counterpart(f"the tensor {key}", remedy)
            table[theirs] = key
        elif key.startswith("head."):
            table[f"segmentation_head.0.{key.removeprefix('head.')}"] = key
    return Layout("segmentation_models_pytorch", table, () if universal else unused_stages(keys))


def _without_counterpart(what: str, remedy: str) -> ModelFileError:
    found = f"segmentation_models_pytorch has nothing like {what}"
    return ModelFileError(found, where="checkpoint", remedy=remedy)
