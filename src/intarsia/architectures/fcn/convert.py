"""Checkpoints of torchvision's FCN, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures.fcn.decoder import DilatedDecoder
from intarsia.architectures.fcn.model import FCN
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout

_TORCHVISION = {
    "encoder.features.": "backbone.",
    "decoder.convs.0.0.": "classifier.0.",
    "decoder.convs.0.1.": "classifier.1.",
    "head.": "classifier.4.",
}


def torchvision_layout(network: FCN) -> Layout:
    """The layout of ``torchvision.models.segmentation.fcn_resnet50`` and ``fcn_resnet101``.

    Args:
        network: built with ``encoder="resnet50"`` or ``"resnet101"``, ``stride=8, dilated=True`` and as many classes as
            the checkpoint has. The auxiliary classifier, which only training looks at, is ignored.

    Raises:
        ModelFileError: the network is no dilated FCN on a ResNet, and torchvision has no other.
    """
    on_resnet = any(key.startswith("encoder.features.layer1.") for key in network.state_dict())
    if not (on_resnet and isinstance(network.decoder, DilatedDecoder)):
        raise ModelFileError(
            "torchvision has no FCN like this network, only dilated ones on ResNets",
            where="checkpoint",
            remedy="Build the network with encoder=resnet50 (or resnet101), stride=8 and dilated=True",
        )
    table = {}
    for key in network.state_dict():
        ours = next(beginning for beginning in _TORCHVISION if key.startswith(beginning))
        table[_TORCHVISION[ours] + key.removeprefix(ours)] = key
    return Layout("torchvision", table, ignored=("aux_classifier.",))


LAYOUTS: Mapping[str, Callable[[FCN], Layout]] = {"torchvision": torchvision_layout}
"""By program: the function that gives a network's layout there."""
