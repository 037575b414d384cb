"""U-Net++s of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_layout import smp_layout

_CONVOLUTION = re.compile(r"decoder\.blocks\.(?P<level>\d+)_(?P<column>\d+)\.convs\.(?P<index>[01])\.(?P<rest>.+)")


def _layout(network: EncoderDecoder, *, universal: bool) -> Layout:
    depth = network.stride.bit_length() - 1

    def decoder_key(key: str) -> str | None:
        match = _CONVOLUTION.fullmatch(key)
        if match is None:
            return None
        # smp counts levels from the coarsest block on, and a level's blocks from its last to its first.
        row = depth - 1 - int(match["level"])
        block = f"x_{row + 1 - int(match['column'])}_{row}"
        return f"decoder.blocks.{block}.conv{int(match['index']) + 1}.{match['rest']}"

    return smp_layout(network, decoder_key, universal=universal)


LAYOUTS: Mapping[str, Callable[[EncoderDecoder], Layout]] = {
    "smp": partial(_layout, universal=False),
    "smp-universal": partial(_layout, universal=True),
}
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its ``tu-`` encoders."""
