"""The segmenters released with DINOv2, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.vit.decoder import Concatenation
from intarsia.architectures.vit.encoder import ViTEncoder
from intarsia.architectures.vit.model import ViT
from intarsia.nn.layouts import Layout, check_form, encoder_name, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork

_ENCODERS = tuple(f"vit_{size}_patch14_dinov2" for size in ("small", "base", "large", "giant"))
_DINOV2 = {"encoder.features.": "", "decoder.norm.": "decode_head.bn.", "head.": "decode_head.conv_seg."}


def _dinov2(network: ViT) -> Layout:
    """The layout of DINOv2's linear segmenters (``dinov2_vits14_ade20k_linear_head.pth`` …).

    They come in two files, which both belong into the state dict that is read: ``{**backbone, **head["state_dict"]}``.

    Args:
        network: built with ``levels=1`` and the linear head, on a DINOv2 of timm without registers. The heads of four
            levels (``…_ms_head.pth``) read the last four blocks, where ours are evenly spaced.

    Raises:
        ModelFileError: it is another.
    """
    assert isinstance(network.encoder, ViTEncoder)
    name = encoder_name(network.encoder)
    form = {
        "encoder": (name, name if name in _ENCODERS else " or ".join(_ENCODERS)),
        "levels": (len(network.encoder.blocks), 1),
        "head": ("linear" if isinstance(network.decoder, Concatenation) else "progressive", "linear"),
    }
    check_form("DINOv2's released segmenter", form)
    return Layout("DINOv2", renamed(network.state_dict(), _DINOV2), ignored=("mask_token",))


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture("vit", {"dinov2": _dinov2})
"""By program: the function that gives a network's layout there."""
