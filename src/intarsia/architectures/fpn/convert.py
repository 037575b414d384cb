"""FPNs of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.fpn.decoder import FPNDecoder
from intarsia.architectures.fpn.model import FPN
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_layout import smp_layout

_LEVELS = 4
_LATERAL = re.compile(r"decoder\.pyramid\.laterals\.(?P<level>\d)\.(?P<rest>.+)")
_BRANCH = re.compile(r"decoder\.branches\.(?P<level>\d)\.(?P<step>\d)\.(?P<rest>.+)")


def _decoder_key(key: str) -> str | None:
    match = _LATERAL.fullmatch(key)
    if match:  # p2 to p5, of which the coarsest has nothing to be added to
        name = f"p{int(match['level']) + 2}"
        return f"decoder.{name}.{match['rest']}" if name == "p5" else f"decoder.{name}.skip_conv.{match['rest']}"
    match = _BRANCH.fullmatch(key)
    coarse_first = match and _LEVELS - 1 - int(match["level"])
    return match and f"decoder.seg_blocks.{coarse_first}.block.{match['step']}.block.{match['rest']}"


def _smp(network: FPN, universal: bool) -> Layout:
    assert isinstance(network.decoder, FPNDecoder)
    if network.decoder.smooth or not network.align_corners or len(network.decoder.branches) != _LEVELS:
        raise ModelFileError(
            f"segmentation_models_pytorch's FPN has {_LEVELS} levels, does not smooth them and aligns corners, unlike "
            "this network",
            where="checkpoint",
            remedy="Build the network with smooth=False and align_corners=True, on an encoder of stride 32",
        )
    return smp_layout(network, _decoder_key, universal=universal)


LAYOUTS: Mapping[str, Callable[[FPN], Layout]] = {
    "smp": partial(_smp, universal=False),
    "smp-universal": partial(_smp, universal=True),
}
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
