"""The networks that giant pictures are predicted with; random weights, for time and memory do not depend on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from intarsia.architectures import build
from intarsia.data.shapes import SHAPES
from intarsia.types import ImageSpec, LabelMap
from intarsia.weights import ModelCard, fingerprint_weights, write_model

NETWORKS: dict[str, dict[str, Any]] = {
    "unet-resnet18": {"encoder": "resnet18"},
    "tiny": {"base_width": 4, "depth": 1},
}


def write_random_model(name: str, path: Path, label_map: LabelMap = SHAPES) -> Path:
    """A model file of one of :data:`NETWORKS`, RGB."""
    torch.manual_seed(0)
    arguments = {"in_channels": 3, "num_classes": label_map.num_classes, **NETWORKS[name]}
    network = build("unet", **arguments)
    card = ModelCard(
        architecture="unet",
        arguments=arguments,
        label_map=label_map,
        image_spec=ImageSpec(3, 8, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        weights_fingerprint=fingerprint_weights(network.state_dict()),
    )
    write_model(path, network.state_dict(), card)
    return path
