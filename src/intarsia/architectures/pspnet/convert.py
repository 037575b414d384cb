"""PSPNets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.pspnet.model import PSPNet
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_layout import smp_layout

_LEVEL = re.compile(r"decoder\.pyramid\.levels\.(?P<level>\d+)\.(?P<rest>.+)")


def _decoder_key(key: str) -> str:
    match = _LEVEL.fullmatch(key)
    if match:
        return f"decoder.psp.blocks.{match['level']}.pool.1.{match['rest']}"
    return key.replace("decoder.fuse.", "decoder.conv.")


def _smp(network: PSPNet, universal: bool) -> Layout:
    if not network.align_corners:
        raise ModelFileError(
            "this network has variant='paper', and segmentation_models_pytorch's PSPNet has other convolutions",
            where="checkpoint",
            remedy="Build the network with variant=smp (and depth=3, unless the checkpoint was made with another)",
        )
    if not universal and len(set(network.encoder.strides)) < len(network.encoder.strides):
        raise ModelFileError(
            "segmentation_models_pytorch dilates encoders of its own in other places than this network does",
            where="checkpoint",
            remedy="Build the network with a depth, or choose the layout of its universal encoders (tu-…)",
        )
    return smp_layout(network, _decoder_key, universal=universal)


LAYOUTS: Mapping[str, Callable[[PSPNet], Layout]] = {
    "smp": partial(_smp, universal=False),
    "smp-universal": partial(_smp, universal=True),
}
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
