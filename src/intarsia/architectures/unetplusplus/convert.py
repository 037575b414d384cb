"""U-Net++s of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.unetplusplus.model import UNetPlusPlus
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.smp_layout import smp_layout, unet_form

_CONVOLUTION = re.compile(r"decoder\.blocks\.(?P<level>\d+)_(?P<column>\d+)\.convs\.(?P<index>[01])\.(?P<rest>.+)")


def _smp(network: UNetPlusPlus, universal: bool) -> Layout:
    depth = network.stride.bit_length() - 1
    decoder = {}
    for match in filter(None, map(_CONVOLUTION.fullmatch, network.state_dict())):
        # smp counts levels from the coarsest block on, and a level's blocks from its last to its first.
        row = depth - 1 - int(match["level"])
        block = f"x_{row + 1 - int(match['column'])}_{row}"
        decoder[f"decoder.blocks.{block}.conv{int(match['index']) + 1}.{match['rest']}"] = match.string
    return smp_layout(network, decoder, unet_form(network.decoder), universal=universal)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "unetplusplus", {"smp": partial(_smp, universal=False), "smp-universal": partial(_smp, universal=True)}
)
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its universal encoders
(``tu-resnet34``)."""
