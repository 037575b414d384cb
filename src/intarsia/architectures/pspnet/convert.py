"""PSPNets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.pspnet.model import PSPNet
from intarsia.nn.layouts import Layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.pyramid_pooling import BINS
from intarsia.nn.smp_layout import smp_layout

_DECODER = {
    **{f"decoder.pyramid.levels.{index}.": f"decoder.psp.blocks.{index}.pool.1." for index in range(len(BINS))},
    "decoder.fuse.": "decoder.conv.",
}


def _smp(network: PSPNet, universal: bool) -> Layout:
    strides = network.encoder.strides
    depth = strides[-1].bit_length() - 1
    is_dilated = len(set(strides)) < len(strides)
    form = {
        "variant": ("smp" if network.align_corners else "paper", "smp"),
        "depth": ("None (dilated)", "3, or the checkpoint's own") if is_dilated else (depth, depth),
    }
    return smp_layout(network, renamed(network.state_dict(), _DECODER), form, universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "pspnet", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
