"""Checkpoints of other programs: which architectures have counterparts there, and how those lay them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intarsia.architectures import ARCHITECTURES
from intarsia.architectures.deeplabv3.convert import LAYOUTS as DEEPLABV3
from intarsia.architectures.deeplabv3plus.convert import LAYOUTS as DEEPLABV3PLUS
from intarsia.architectures.fcn.convert import LAYOUTS as FCN
from intarsia.architectures.fpn.convert import LAYOUTS as FPN
from intarsia.architectures.lraspp.convert import LAYOUTS as LRASPP
from intarsia.architectures.mask2former.convert import LAYOUTS as MASK2FORMER
from intarsia.architectures.oneformer.convert import LAYOUTS as ONEFORMER
from intarsia.architectures.pspnet.convert import LAYOUTS as PSPNET
from intarsia.architectures.segformer.convert import LAYOUTS as SEGFORMER
from intarsia.architectures.unet.convert import LAYOUTS as UNET
from intarsia.architectures.unetplusplus.convert import LAYOUTS as UNETPLUSPLUS
from intarsia.architectures.upernet.convert import LAYOUTS as UPERNET
from intarsia.architectures.vit.convert import LAYOUTS as VIT
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice
from intarsia.nn.layouts import Layout
from intarsia.nn.network import SegmentationNetwork

LAYOUTS: Mapping[str, Mapping[str, Callable[..., Layout]]] = {
    "deeplabv3": DEEPLABV3,
    "deeplabv3plus": DEEPLABV3PLUS,
    "fcn": FCN,
    "fpn": FPN,
    "lraspp": LRASPP,
    "mask2former": MASK2FORMER,
    "oneformer": ONEFORMER,
    "pspnet": PSPNET,
    "segformer": SEGFORMER,
    "unet": UNET,
    "unetplusplus": UNETPLUSPLUS,
    "upernet": UPERNET,
    "vit": VIT,
}
"""By architecture and program: from a network of ours to its layout there."""


def foreign_layout(architecture: str, program: str, network: SegmentationNetwork) -> Layout:
    """How another program lays a network out, for :mod:`intarsia.nn.layouts` to read and write its checkpoints by.

    Args:
        architecture: a key of :data:`~intarsia.architectures.ARCHITECTURES`.
        program: whose checkpoint it is: a key of this architecture's :data:`LAYOUTS`.
        network: the architecture, built with the checkpoint's encoder, channels and classes.

    Raises:
        RecipeError: no such architecture, or none of that program is read into it; the nearest name is offered.
        ModelFileError: the program has nothing that computes what this network does.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    if architecture not in LAYOUTS:
        raise RecipeError(
            f"no program's checkpoints are read into {architecture!r}",
            where="argument `architecture`",
            remedy=f"Choose one of {', '.join(LAYOUTS)}",
        )
    check_choice("program", program, LAYOUTS[architecture])
    return LAYOUTS[architecture][program](network)
