"""How torchvision lays out its dilated segmentation networks, for every ``convert.py`` that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import Layout, check_form, encoder_name, renamed

# Its dilated ResNets, all of bottlenecks; its MobileNetV3 dilates, pads and normalises unlike timm's.
_ENCODERS = ("resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2")


def torchvision_layout(
    network: EncoderDecoder, decoder: Mapping[str, str], form: Mapping[str, tuple[Any, Any]]
) -> Layout:
    """The layout of a network on a ResNet dilated to stride 8. Auxiliary classifiers, only for training, are ignored.

    Args:
        network: ours.
        decoder: from the beginnings of our keys in the decoder to theirs.
        form: how the network was built and how it has to be, see :func:`~intarsia.nn.layouts.check_form`.

    Raises:
        ModelFileError: torchvision has no such network.
    """
    name = encoder_name(network.encoder)
    check_form("torchvision", {"encoder": (name, name if name in _ENCODERS else " or ".join(_ENCODERS)), **form})
    beginnings = {"encoder.features.": "backbone.", **decoder, "head.": "classifier.4."}
    return Layout("torchvision", renamed(network.state_dict(), beginnings), ignored=("aux_classifier.",))
