"""U-Nets of segmentation_models_pytorch, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_layout import smp_layout

_CONVOLUTION = re.compile(r"decoder\.blocks\.(?P<block>\d+)\.convs\.(?P<index>[01])\.(?P<rest>.+)")


def _decoder_key(key: str) -> str | None:
    match = _CONVOLUTION.fullmatch(key)
    return match and f"decoder.blocks.{match['block']}.conv{int(match['index']) + 1}.{match['rest']}"


LAYOUTS: Mapping[str, Callable[[EncoderDecoder], Layout]] = {
    "smp": partial(smp_layout, decoder_key=_decoder_key, universal=False),
    "smp-universal": partial(smp_layout, decoder_key=_decoder_key, universal=True),
}
"""By program: "smp" for its own ResNets and ResNeXts (``resnet34``), "smp-universal" for its ``tu-`` encoders."""
