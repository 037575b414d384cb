"""How other programs lay out Mask2Former."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.mask2former.model import Mask2Former
from intarsia.nn.layouts import Layout, of_architecture
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.transformers_layout import mask_query_layout


def _transformers(network: Mask2Former) -> Layout:
    """Of ``transformers.Mask2FormerForUniversalSegmentation``, facebook/mask2former-swin-tiny-ade-semantic say."""
    return mask_query_layout(network, {"decoder.class_predictor.": "class_predictor."})


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "mask2former", {"transformers": _transformers}
)
"""From a program's name to the layout of a network of ours there."""
