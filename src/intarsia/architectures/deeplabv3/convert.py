"""DeepLabV3s of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.deeplabv3.decoder import DeepLabV3Decoder
from intarsia.architectures.deeplabv3.model import DeepLabV3
from intarsia.nn.aspp import aspp_rates
from intarsia.nn.layouts import Layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.smp_dilation import deeplab_form
from intarsia.nn.smp_layout import smp_layout
from intarsia.nn.torchvision_layout import torchvision_layout

_TORCHVISION = {
    "decoder.aspp.branches.": "classifier.0.convs.",
    "decoder.aspp.project.": "classifier.0.project.",
    "decoder.conv.0.": "classifier.1.",
    "decoder.conv.1.": "classifier.2.",
}
_SMP = {
    "decoder.aspp.branches.": "decoder.aspp.convs.",
    "decoder.aspp.project.": "decoder.aspp.project.",
    "decoder.conv.0.": "decoder.conv.",
    "decoder.conv.1.": "decoder.bn.",
}
_STRIDE = 8  # of torchvision's always, of segmentation_models_pytorch's by default


def _torchvision(network: DeepLabV3) -> Layout:
    assert isinstance(network.decoder, DeepLabV3Decoder)
    form = {
        "variant": ("smp" if network.align_corners else "paper", "paper"),
        "output_stride": (network.encoder.strides[-1], _STRIDE),
        "rates": (network.decoder.aspp.rates, aspp_rates(_STRIDE)),
    }
    return torchvision_layout(network, _TORCHVISION, form)


def _smp(network: DeepLabV3, universal: bool) -> Layout:
    assert isinstance(network.decoder, DeepLabV3Decoder)
    form = deeplab_form(network, network.decoder.aspp, output_stride=_STRIDE, universal=universal)
    return smp_layout(network, renamed(network.state_dict(), _SMP), form, universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "deeplabv3",
    {
        "smp": partial(_smp, universal=False),
        "smp-universal": partial(_smp, universal=True),
        "torchvision": _torchvision,
    },
)
"""segmentation_models_pytorch with encoders of its own, and with timm's (``tu-``); torchvision."""
