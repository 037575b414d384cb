"""A model file, ready to predict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from intarsia import architectures
from intarsia.data.formats.image import as_image_array
from intarsia.errors import ModelFileError, RecipeError
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.accelerate import accelerate
from intarsia.predict.device import Precision, resolve_device, resolve_precision
from intarsia.predict.prepared import PreparedNetwork
from intarsia.types import SemanticMap
from intarsia.weights import ModelCard, read_model


@dataclass(frozen=True)
class Model:
    """A trained network together with everything prediction needs.

    Args:
        network: the network, in evaluation mode, free to be trained further or exported.
        card: what it is, where it comes from, and what it needs.
        prepared: the preparation and an accelerated copy of the network (:mod:`intarsia.predict.accelerate`), for
            arrays already in memory. Later changes of ``network`` do not reach it; :func:`assemble` anew for that.
    """

    network: SegmentationNetwork
    card: ModelCard
    prepared: PreparedNetwork

    def predict(self, image: str | Path | Image.Image | np.ndarray, *, probabilities: bool = False) -> SemanticMap:
        """Label every pixel of one picture, shown to the network whole.

        :class:`~intarsia.predict.predictor.Predictor` takes pictures for which the memory is too small.

        Args:
            image: a file, a PIL image, or an array [H, W] or [H, W, C] of uint8 or uint16. The EXIF orientation of
                files and PIL images is applied first, so the mask lies over the picture as people see it.
            probabilities: also give each class's probability a pixel.

        Raises:
            DataError: the picture cannot be read, or has other channels or another bit depth than was trained on.
        """
        where = image if isinstance(image, str | Path) else "image"
        return self.prepared.predict(as_image_array(image), probabilities=probabilities, where=where)


def load(path: str | Path, *, device: str = "auto", precision: Precision = "auto") -> Model:
    """Read a model file and make it ready to predict; nothing else is needed and nothing is unpickled.

    Args:
        path: a ``model.safetensors`` that training wrote.
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "mps".
        precision: "auto" (bf16 autocast where the hardware gains), "bf16" or "fp32".

    Raises:
        ModelFileError: the file is missing, damaged, or was written by another program or an incompatible version.
        RecipeError: the device is not there.
    """
    tensors, card = read_model(path)
    writer = f"version {card.version}" if card.version else "the version"
    remedy = f"Copy the file again, or install {writer} of the package, which wrote it"
    try:
        network = architectures.build(card.architecture, **card.arguments)
    except RecipeError as error:
        found = f"{', '.join(map(str, error.where))}: {error.found}"
        raise ModelFileError(f"the network of its card cannot be built ({found})", where=path, remedy=remedy) from error
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelFileError("its weights do not fit its card", where=path, remedy=remedy) from error
    chosen = resolve_device(device)
    return assemble(network.to(chosen), card, resolve_precision(precision, chosen))


def assemble(network: SegmentationNetwork, card: ModelCard, precision: Precision) -> Model:
    """Put a built network and its card together; the network is used where it is, and predicts as it is now."""
    device = next(network.parameters()).device
    resolved = resolve_precision(precision, device)
    fast = accelerate(network.eval(), card.image_spec.channels, resolved)
    return Model(network, card, PreparedNetwork(fast, card.image_spec, card.label_map, device, resolved))
