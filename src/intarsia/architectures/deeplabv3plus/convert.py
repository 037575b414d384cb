"""DeepLabV3+s of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.deeplabv3plus.decoder import DeepLabV3PlusDecoder
from intarsia.architectures.deeplabv3plus.model import DeepLabV3Plus
from intarsia.nn.layouts import Layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.smp_dilation import deeplab_form
from intarsia.nn.smp_layout import smp_layout

_SMP = {
    "decoder.aspp.branches.": "decoder.aspp.0.convs.",
    "decoder.aspp.project.": "decoder.aspp.0.project.",
    "decoder.coarse.0.": "decoder.aspp.1.",
    "decoder.coarse.1.": "decoder.aspp.2.",
    "decoder.fine.": "decoder.block1.",
    "decoder.merge.0.": "decoder.block2.",
}
_STRIDE = 16  # by default


def _smp(network: DeepLabV3Plus, universal: bool) -> Layout:
    assert isinstance(network.decoder, DeepLabV3PlusDecoder)
    form = deeplab_form(network, network.decoder.aspp, output_stride=_STRIDE, universal=universal)
    return smp_layout(network, renamed(network.state_dict(), _SMP), form, universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "deeplabv3plus", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""segmentation_models_pytorch with encoders of its own, and with timm's (``tu-``)."""
