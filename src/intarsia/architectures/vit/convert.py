"""The segmenters released with DINOv2, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.vit.decoder import Concatenation
from intarsia.errors import ModelFileError
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import Layout

_DINOV2 = {"encoder.features.": "", "decoder.norm.": "decode_head.bn.", "head.": "decode_head.conv_seg."}


def dinov2_layout(network: EncoderDecoder) -> Layout:
    """The layout of DINOv2's linear segmenters (``dinov2_vits14_ade20k_linear_head.pth`` …).

    They come in two files, which both belong into the state dict that is read: ``{**backbone, **head["state_dict"]}``.

    Args:
        network: built with ``levels=1`` and the linear head, on a DINOv2 of timm without registers.

    Raises:
        ModelFileError: it has another head or has registers.
    """
    keys = list(network.state_dict())
    if not isinstance(network.decoder, Concatenation) or "encoder.features.reg_token" in keys:
        raise ModelFileError(
            "DINOv2's released segmenters are linear and without registers, unlike this network",
            where="checkpoint",
            remedy="Build the network with head=linear, levels=1 and an encoder such as vit_small_patch14_dinov2",
        )
    table = {}
    for key in keys:
        ours = next(beginning for beginning in _DINOV2 if key.startswith(beginning))
        table[_DINOV2[ours] + key.removeprefix(ours)] = key
    return Layout("DINOv2", table, ignored=("mask_token",))


LAYOUTS: Mapping[str, Callable[[EncoderDecoder], Layout]] = {"dinov2": dinov2_layout}
"""By program: the function that gives a network's layout there."""
