"""U-Nets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.unet.decoder import UNetDecoder
from intarsia.architectures.unet.model import UNet
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.smp_layout import smp_layout, unet_form

_CONVOLUTION = re.compile(r"decoder\.blocks\.(?P<block>\d+)\.convs\.(?P<index>[01])\.(?P<rest>.+)")


def _smp(network: UNet, universal: bool) -> Layout:
    assert isinstance(network.decoder, UNetDecoder)
    form = {**unet_form(network.decoder), "attention": (len(network.decoder.gates) > 0, False)}
    decoder = {
        f"decoder.blocks.{match['block']}.conv{int(match['index']) + 1}.{match['rest']}": match.string
        for match in filter(None, map(_CONVOLUTION.fullmatch, network.state_dict()))
    }
    return smp_layout(network, decoder, form, universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "unet", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
