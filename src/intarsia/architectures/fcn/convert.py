"""Checkpoints of torchvision's FCN, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.fcn.decoder import DilatedDecoder, SkipDecoder
from intarsia.architectures.fcn.model import FCN
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.torchvision_layout import torchvision_layout

_DECODER = {"decoder.convs.0.0.": "classifier.0.", "decoder.convs.0.1.": "classifier.1."}
_STRIDE = 8


def _torchvision(network: FCN) -> Layout:
    """The layout of ``torchvision.models.segmentation.fcn_resnet50`` and ``fcn_resnet101``."""
    scored = len(network.decoder.scores) if isinstance(network.decoder, SkipDecoder) else 1
    form = {
        "stride": (network.encoder.strides[-scored], _STRIDE),
        "dilated": (isinstance(network.decoder, DilatedDecoder), True),
    }
    return torchvision_layout(network, _DECODER, form)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture("fcn", {"torchvision": _torchvision})
"""By program: the function that gives a network's layout there."""
