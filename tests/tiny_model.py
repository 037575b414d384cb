"""A model file that is made in no time and finds each of its classes somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from intarsia.architectures import build
from intarsia.types import ImageSpec, LabelMap, SemanticLogits
from intarsia.weights import ModelCard, fingerprint_weights, write_model

LABELS = LabelMap(names=("ground", "house", "tree"), ids=(0, 1, 2))


def write_tiny_model(path: Path, seed: int = 0) -> Path:
    """A U-Net of RGB pictures and three classes with random weights."""
    torch.manual_seed(seed)
    arguments: dict[str, Any] = {"in_channels": 3, "num_classes": 3, "base_width": 4, "depth": 2}
    network = build("unet", **arguments).eval()
    with torch.no_grad():  # as it comes it finds one class everywhere
        logits = network(torch.randn(1, 3, 64, 64))
        assert isinstance(logits, SemanticLogits)
        assert isinstance(network.head, torch.nn.Conv2d)
        assert network.head.bias is not None
        network.head.bias -= logits.logits.mean(dim=(0, 2, 3))
    card = ModelCard(
        architecture="unet",
        arguments=arguments,
        label_map=LABELS,
        image_spec=ImageSpec(3, 8, (0.5, 0.5, 0.5), (0.3, 0.3, 0.3)),
        weights_fingerprint=fingerprint_weights(network.state_dict()),
    )
    write_model(path, network.state_dict(), card)
    return path
