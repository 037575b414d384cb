"""One folder an architecture; the registry is the literal dict below."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from intarsia.architectures import (
    ddrnet,
    deeplabv3,
    deeplabv3plus,
    fast_scnn,
    fcn,
    fpn,
    lraspp,
    mask2former,
    oneformer,
    pspnet,
    segformer,
    unet,
    unetplusplus,
    upernet,
    vit,
)
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice, check_kinds, nearest
from intarsia.nn.network import SegmentationNetwork

__all__ = ["ARCHITECTURES", "build"]

ARCHITECTURES: Mapping[str, Callable[..., SegmentationNetwork]] = {
    "ddrnet": ddrnet.build,
    "deeplabv3": deeplabv3.build,
    "deeplabv3plus": deeplabv3plus.build,
    "fast_scnn": fast_scnn.build,
    "fcn": fcn.build,
    "fpn": fpn.build,
    "lraspp": lraspp.build,
    "mask2former": mask2former.build,
    "oneformer": oneformer.build,
    "pspnet": pspnet.build,
    "segformer": segformer.build,
    "unet": unet.build,
    "unetplusplus": unetplusplus.build,
    "upernet": upernet.build,
    "vit": vit.build,
}


def build(name: str, *, in_channels: int, num_classes: int, **arguments: Any) -> SegmentationNetwork:
    """Build an architecture by its name.

    Args:
        name: a key of :data:`ARCHITECTURES`.
        in_channels: of the images.
        num_classes: scores a pixel.
        arguments: what else the architecture's own ``build`` takes.

    Raises:
        RecipeError: no such architecture or argument, it names the nearest one; or an argument of another kind ("no"
            for a flag). Also what the architecture's own ``build`` raises.
    """
    check_choice("architecture", name, ARCHITECTURES)
    known = inspect.signature(ARCHITECTURES[name]).parameters.keys() - {"in_channels", "num_classes"}
    for argument in arguments:
        if argument not in known:
            raise _unknown(argument, name, sorted(known))
    check_kinds(ARCHITECTURES[name], arguments)
    return ARCHITECTURES[name](in_channels=in_channels, num_classes=num_classes, **arguments)


def _unknown(argument: str, name: str, known: list[str]) -> RecipeError:
    return RecipeError(
        "there is none of this name",
        where=f"argument `{argument}` of {name}",
        remedy=f"{nearest(argument, known)}{', '.join(known)}" if known else "Leave it out, this network takes none",
    )
