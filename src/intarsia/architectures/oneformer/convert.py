"""How other programs lay out OneFormer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.oneformer.model import OneFormer
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.transformers_layout import mask_query_layout


def _transformers(network: OneFormer) -> Layout:
    """Of ``transformers.OneFormerForUniversalSegmentation``, shi-labs/oneformer_ade20k_swin_tiny say."""
    return mask_query_layout(network, {"decoder.task_encoder.": "model.task_encoder."})


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "oneformer", {"transformers": _transformers}
)
"""From a program's name to the layout of a network of ours there."""
