"""Checkpoints of torchvision's LR-ASPP, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from intarsia.architectures.lraspp.model import LRASPP
from intarsia.architectures.lraspp.torchvision_encoder import TorchvisionEncoder
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import Layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork

_BEGINNINGS = {
    "encoder.features.conv_stem.": "backbone.0.0.",
    "encoder.features.bn1.": "backbone.0.1.",
    "decoder.project.": "classifier.cbr.",
    "decoder.gate.": "classifier.scale.",
    "decoder.score_fine.": "classifier.low_classifier.",
    "decoder.score_coarse.": "classifier.high_classifier.",
}
_BLOCK = re.compile(r"encoder\.features\.blocks\.(?P<block>\d+\.\d+)\.(?P<part>.+)\.(?P<tensor>\w+)")
# timm's parts of a block, pair by pair in the order in which they work; some blocks have no squeeze-and-excitation.
_SQUEEZE = ("se.conv_reduce", "se.conv_expand")
_EXPANDED = (("conv_pw", "bn1"), ("conv_dw", "bn2"), _SQUEEZE, ("conv_pwl", "bn3"))
_SEPARABLE = (("conv_dw", "bn1"), ("conv_pw", "bn2"))  # the first block has nothing to expand
_LAST = (("conv", "bn1"),)  # a convolution, to torchvision no block


def _torchvision(network: LRASPP) -> Layout:
    """The layout of ``torchvision.models.segmentation.lraspp_mobilenet_v3_large``.

    Args:
        network: built with ``variant="torchvision"`` and as many classes as the checkpoint has.

    Raises:
        ModelFileError: the network computes something else with the same weights.
    """
    if not isinstance(network.encoder, TorchvisionEncoder):
        raise ModelFileError(
            "torchvision has no LR-ASPP that computes what this network does",
            where="checkpoint",
            remedy="Build the network with variant=torchvision, on its default encoder and output stride",
        )
    keys = list(network.state_dict())
    modules = _blocks(keys)
    blocks = {
        f"{modules[match['block'], match['part']]}.{match['tensor']}": match.string
        for match in filter(None, map(_BLOCK.fullmatch, keys))
    }
    return Layout("torchvision", {**blocks, **renamed(keys, _BEGINNINGS)})


def _blocks(keys: Iterable[str]) -> dict[tuple[str, str], str]:
    """For each block of timm's and part of it, the module of torchvision's, which numbers blocks and pairs through."""
    parts: dict[str, set[str]] = {}
    for match in filter(None, map(_BLOCK.fullmatch, keys)):
        parts.setdefault(match["block"], set()).add(match["part"])
    modules: dict[tuple[str, str], str] = {}
    for number, (block, names) in enumerate(parts.items(), start=1):
        pairs = _LAST if "conv" in names else _EXPANDED if "conv_pwl" in names else _SEPARABLE
        for place, pair in enumerate(pair for pair in pairs if pair[0] in names):
            parent = f"backbone.{number}" if pairs is _LAST else f"backbone.{number}.block.{place}"
            children = ("fc1", "fc2") if pair is _SQUEEZE else ("0", "1")
            modules |= {(block, part): f"{parent}.{child}" for part, child in zip(pair, children, strict=True)}
    return modules


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "lraspp", {"torchvision": _torchvision}
)
"""By program: the function that gives a network's layout there."""
