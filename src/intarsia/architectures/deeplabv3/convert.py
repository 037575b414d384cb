"""DeepLabV3s of other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from intarsia.architectures.deeplabv3.model import DeepLabV3
from intarsia.errors import ModelFileError
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.layouts import Layout
from intarsia.nn.smp_dilation import check_variant
from intarsia.nn.smp_layout import encoder_table

_TORCHVISION = {
    "encoder.features.": "backbone.",
    "decoder.aspp.branches.": "classifier.0.convs.",
    "decoder.aspp.project.": "classifier.0.project.",
    "decoder.conv.0.": "classifier.1.",
    "decoder.conv.1.": "classifier.2.",
    "head.": "classifier.4.",
}
_SMP = {
    "decoder.aspp.branches.": "decoder.aspp.convs.",
    "decoder.aspp.project.": "decoder.aspp.project.",
    "decoder.conv.0.": "decoder.conv.",
    "decoder.conv.1.": "decoder.bn.",
    "head.": "segmentation_head.0.",
}
# torchvision's dilated ResNets, all of bottlenecks; its MobileNetV3 dilates, pads and normalises unlike timm's.
_ENCODERS = ("resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2")


def _torchvision(network: DeepLabV3) -> Layout:
    assert isinstance(network.encoder, TimmEncoder)
    name = network.encoder.name.partition(".")[0]
    if name not in _ENCODERS or network.align_corners:
        raise ModelFileError(
            f"torchvision has no DeepLabV3 that computes what this network (on {name!r}) does",
            where="checkpoint",
            remedy=f"Build the network with variant=paper on one of {', '.join(_ENCODERS)}",
        )
    return Layout("torchvision", _renamed(network.state_dict(), _TORCHVISION), ignored=("aux_classifier.",))


def _smp(network: DeepLabV3, universal: bool) -> Layout:
    assert isinstance(network.encoder, TimmEncoder)
    check_variant(network, "smp-universal" if universal else "smp")
    keys = network.state_dict().keys()
    encoder = encoder_table(network.encoder, keys, universal=universal)
    rest = _renamed((key for key in keys if not key.startswith("encoder.")), _SMP)
    return Layout("segmentation_models_pytorch", {**encoder, **rest})


def _renamed(keys: Iterable[str], beginnings: Mapping[str, str]) -> dict[str, str]:
    table = {}
    for key in keys:
        ours = next(ours for ours in beginnings if key.startswith(ours))
        table[beginnings[ours] + key.removeprefix(ours)] = key
    return table


LAYOUTS: Mapping[str, Callable[[DeepLabV3], Layout]] = {
    "smp": partial(_smp, universal=False),
    "smp-universal": partial(_smp, universal=True),
    "torchvision": _torchvision,
}
"""segmentation_models_pytorch with encoders of its own, and with timm's (``tu-``); torchvision."""
