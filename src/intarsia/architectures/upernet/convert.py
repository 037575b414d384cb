"""UPerNets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.upernet.decoder import UPerNetDecoder
from intarsia.architectures.upernet.model import UPerNet
from intarsia.nn.layouts import Layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.pyramid_pooling import BINS
from intarsia.nn.smp_layout import smp_layout


def _smp(network: UPerNet, universal: bool) -> Layout:
    assert isinstance(network.decoder, UPerNetDecoder)
    form = {"feature_norm": (network.decoder.feature_norm, True), "align_corners": (network.align_corners, True)}
    decoder = renamed(network.state_dict(), _prefixes(len(network.decoder.norms) - 1))
    return smp_layout(network, decoder, form, universal=universal)


def _prefixes(coarsest: int) -> dict[str, str]:
    """From ours to smp's, which counts levels from coarse to fine; ``coarsest`` is the number of ours."""
    context = f"decoder.pyramid.laterals.{coarsest}."
    prefixes = {
        "decoder.norms.": "decoder.feature_norms.",
        f"{context}fuse.": "decoder.psp.out_conv.",
        "decoder.fuse.": "decoder.fusion_block.",
    }
    for index in range(len(BINS)):
        prefixes[f"{context}pooling.levels.{index}."] = f"decoder.psp.blocks.{index}.1."
    for level in range(coarsest):
        block = coarsest - 1 - level
        prefixes[f"decoder.pyramid.laterals.{level}."] = f"decoder.fpn_lateral_blocks.{block}.conv_norm_relu."
        prefixes[f"decoder.pyramid.outputs.{level}."] = f"decoder.fpn_conv_blocks.{block}."
    return prefixes


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "upernet", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
