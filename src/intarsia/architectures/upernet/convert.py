"""UPerNets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.upernet.decoder import UPerNetDecoder
from intarsia.architectures.upernet.model import UPerNet
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout
from intarsia.nn.pyramid_pooling import BINS
from intarsia.nn.smp_layout import smp_layout


def _smp(network: UPerNet, universal: bool) -> Layout:
    assert isinstance(network.decoder, UPerNetDecoder)
    if not network.decoder.feature_norm or not network.align_corners:
        raise ModelFileError(
            "segmentation_models_pytorch's UPerNet normalises the encoder's features and aligns corners, unlike this "
            "network",
            where="checkpoint",
            remedy="Build the network with feature_norm=True and align_corners=True (and width=256, smp's default)",
        )
    prefixes = _prefixes(len(network.decoder.norms) - 1)
    return smp_layout(network, partial(_decoder_key, prefixes=prefixes), universal=universal)


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


def _decoder_key(key: str, prefixes: Mapping[str, str]) -> str:
    ours = next(prefix for prefix in prefixes if key.startswith(prefix))
    return prefixes[ours] + key.removeprefix(ours)


LAYOUTS: Mapping[str, Callable[[UPerNet], Layout]] = {
    "smp": partial(_smp, universal=False),
    "smp-universal": partial(_smp, universal=True),
}
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
