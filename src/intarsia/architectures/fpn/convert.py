"""FPNs of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.fpn.decoder import FPNDecoder
from intarsia.architectures.fpn.model import FPN
from intarsia.errors import ModelFileError
from intarsia.nn.conv import group_count
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.smp_layout import smp_layout

_LEVELS = 4
_GROUPS = 32  # of every normalisation there, whatever its channels
_LATERAL = re.compile(r"decoder\.pyramid\.laterals\.(?P<level>\d)\.(?P<rest>.+)")
_BRANCH = re.compile(r"decoder\.branches\.(?P<level>\d)\.(?P<step>\d)\.(?P<rest>.+)")


def _decoder_key(key: str) -> str:
    match = _LATERAL.fullmatch(key)
    if match:  # p2 to p5, of which the coarsest has nothing to be added to
        name = f"p{int(match['level']) + 2}"
        return f"decoder.{name}.{match['rest']}" if name == "p5" else f"decoder.{name}.skip_conv.{match['rest']}"
    match = _BRANCH.fullmatch(key)
    assert match is not None
    coarse_first = _LEVELS - 1 - int(match["level"])
    return f"decoder.seg_blocks.{coarse_first}.block.{match['step']}.block.{match['rest']}"


def _smp(network: FPN, universal: bool) -> Layout:
    decoder = network.decoder
    assert isinstance(decoder, FPNDecoder)
    if len(decoder.branches) != _LEVELS:
        raise ModelFileError(
            f"segmentation_models_pytorch's FPN has {_LEVELS} levels and this network {len(decoder.branches)}",
            where="checkpoint",
            remedy="Build the network on an encoder of stride 32",
        )
    fits = group_count(decoder.width) == _GROUPS
    form = {
        "width": (decoder.width, decoder.width if fits else "128, or another multiple of 32 above"),
        "smooth": (decoder.smooth, False),
        "align_corners": (network.align_corners, True),
    }
    # The 3×3 convolutions of a smoothed pyramid have no counterpart, and the form tells it.
    keys = [key for key in network.state_dict() if key.startswith(("decoder.pyramid.laterals.", "decoder.branches."))]
    return smp_layout(network, {_decoder_key(key): key for key in keys}, form, universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "fpn", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
