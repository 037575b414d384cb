"""What is trained: the same network from scratch and from weights, which are then kept, changed a little, or freely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RESNET = "resnet18"
RESNET_FILE = "resnet18_imagenet1k_fp16.safetensors"
"""ImageNet weights in the folder ``weights`` beside the data."""

SCRATCH = "from scratch"
FEW = 12
"""Training pictures of the case with few labels: an afternoon's work."""


@dataclass(frozen=True)
class Trial:
    """One training.

    Args:
        encoder: timm's name.
        weights: :data:`RESNET_FILE`, a name of the weights' catalogue, or "" from scratch.
        optimizer: what departs from the recipe all share.
        against: the trial of the same section it is compared with; "" if with none.
    """

    encoder: str = RESNET
    weights: str = RESNET_FILE
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    against: str = SCRATCH


@dataclass(frozen=True)
class Section:
    """Trainings on the same pictures.

    Args:
        title: what the pictures are.
        gray: whether they are made gray, so that the network has one channel.
        train_images: how many there are to train on; None for all.
        trials: by name, each after the one it is compared with.
    """

    title: str
    gray: bool
    train_images: int | None
    trials: Mapping[str, Trial]


_ON_GRAY = {
    SCRATCH: Trial(weights="", against=""),
    "pretrained": Trial(),
    "pretrained, encoder frozen": Trial(optimizer={"freeze": "all"}),
    "pretrained, first 5 layers frozen": Trial(optimizer={"freeze": 5}),
    "pretrained, layer decay 0.7": Trial(optimizer={"layer_decay": 0.7}),
}

_ENCODERS = {
    RESNET: RESNET_FILE,
    "mobilenetv2_100": "mobilenetv2-imagenet",
    "tf_efficientnet_lite0": "efficientnet-lite0-imagenet",
    "tf_efficientnet_lite1": "efficientnet-lite1-imagenet",
    "tf_efficientnet_lite2": "efficientnet-lite2-imagenet",
}


def _on_color() -> dict[str, Trial]:
    trials = {}
    for encoder, weights in _ENCODERS.items():
        scratch = f"{encoder}, {SCRATCH}"
        trials[scratch] = Trial(encoder, "", against="")
        trials[f"{encoder}, pretrained"] = Trial(encoder, weights, against=scratch)
    return trials


SECTIONS: Mapping[str, Section] = {
    "gray": Section("Gray pictures", True, None, _ON_GRAY),
    "few": Section(f"Gray pictures, {FEW} of them labelled", True, FEW, _ON_GRAY),
    "color": Section("Color pictures, five encoders", False, None, _on_color()),
}
