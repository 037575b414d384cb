"""How other programs lay out Mask2Former."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.mask2former.model import Mask2Former
from intarsia.nn.layouts import Layout
from intarsia.nn.transformers_layout import mask_query_layout


def transformers_layout(network: Mask2Former) -> Layout:
    """Of ``transformers.Mask2FormerForUniversalSegmentation``, facebook/mask2former-swin-tiny-ade-semantic say."""
    return mask_query_layout(network, {"decoder.class_predictor.": "class_predictor."})


LAYOUTS: Mapping[str, Callable[[Mask2Former], Layout]] = {"transformers": transformers_layout}
"""From a program's name to the layout of a network of ours there."""
