"""DeepLabV3+s of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from intarsia.architectures.deeplabv3plus.model import DeepLabV3Plus
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_dilation import check_variant
from intarsia.nn.smp_layout import encoder_table

_SMP = {
    "decoder.aspp.branches.": "decoder.aspp.0.convs.",
    "decoder.aspp.project.": "decoder.aspp.0.project.",
    "decoder.coarse.0.": "decoder.aspp.1.",
    "decoder.coarse.1.": "decoder.aspp.2.",
    "decoder.fine.": "decoder.block1.",
    "decoder.merge.0.": "decoder.block2.",
    "head.": "segmentation_head.0.",
}


def _smp(network: DeepLabV3Plus, universal: bool) -> Layout:
    assert isinstance(network.encoder, TimmEncoder)
    check_variant(network, "smp-universal" if universal else "smp")
    keys = network.state_dict().keys()
    table = encoder_table(network.encoder, keys, universal=universal)
    for key in keys:
        if not key.startswith("encoder."):
            ours = next(ours for ours in _SMP if key.startswith(ours))
            table[_SMP[ours] + key.removeprefix(ours)] = key
    return Layout("segmentation_models_pytorch", table)


LAYOUTS: Mapping[str, Callable[[DeepLabV3Plus], Layout]] = {
    "smp": partial(_smp, universal=False),
    "smp-universal": partial(_smp, universal=True),
}
"""segmentation_models_pytorch with encoders of its own, and with timm's (``tu-``)."""
