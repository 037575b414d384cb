"""The one artefact a person keeps: ``model.safetensors``, weights and card together.

The card travels in the safetensors header as JSON, so the file is read without unpickling anything, and prediction
has all it needs: which network to build, how to prepare a picture, what the channels mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.files import write_bytes
from intarsia.types import ImageSpec, LabelMap

MODEL_FILE = "model.safetensors"
"""What a model is called in a run folder."""

_KEY = "intarsia"


@dataclass(frozen=True)
class ModelCard:
    """What a model is, where it comes from, and what it needs.

    Args:
        architecture: a key of the registry of architectures.
        arguments: what its builder was called with, channels and classes included.
        label_map: what the channels mean.
        image_spec: how a picture is prepared.
        task: "semantic".
        receptive_field: side in pixels of the input window one output pixel can see; None when it is the whole picture.
        recipe: the training recipe in its plain form; empty for weights from elsewhere.
        data_fingerprint: a digest of the pictures and masks it was trained on.
        seen: digests of the pictures of the training part ("train") and of the validation part ("val").
        weights_fingerprint: a digest of the weights; masks it predicts carry it as their maker.
        teachers: the weights' fingerprints of the models that predicted masks it was trained on.
        metrics: validation figures of the kept checkpoint, by name.
        version: the package version that wrote the file.
        weights_license: the licence of the pretrained weights training began from, or "" when it began from none.
    """

    architecture: str
    arguments: Mapping[str, Any]
    label_map: LabelMap
    image_spec: ImageSpec
    task: str = "semantic"
    receptive_field: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data_fingerprint: str = ""
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weights_fingerprint: str = ""
    teachers: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    version: str = ""
    weights_license: str = ""

    def to_json(self) -> str:
        """The card as JSON text; :meth:`from_json` reads it back."""
        plain = {key: value for key, value in asdict(self).items() if key not in ("label_map", "image_spec")}
        specs = {"label_map": self.label_map.to_dict(), "image_spec": self.image_spec.to_dict()}
        return json.dumps({**plain, **specs}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read the JSON form; raises KeyError, TypeError or ValueError when it is not a card."""
        content = json.loads(text)
        content["label_map"] = LabelMap.from_dict(content["label_map"])
        content["image_spec"] = ImageSpec.from_dict(content["image_spec"])
        content["seen"] = {part: tuple(digests) for part, digests in content.get("seen", {}).items()}
        content["teachers"] = tuple(content.get("teachers", ()))
        return cls(**content)


def fingerprint_weights(state_dict: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, dtypes, shapes and values, whatever the order or the device."""
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        tensor = state_dict[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_model(path: str | Path, state_dict: Mapping[str, Tensor], card: ModelCard) -> None:
    """Write weights and card as one safetensors file, as a whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state_dict.items()}
    write_bytes(path, safetensors.torch.save(tensors, metadata={_KEY: card.to_json()}))


def check_there(path: Path) -> None:
    """That there is a model file.

    Raises:
        ModelFileError: there is none.
    """
    if not path.is_file():
        raise ModelFileError(
            "there is no such file", where=path, remedy="Name a model.safetensors that `intarsia train` wrote"
        )


def read_model(path: str | Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Read weights (on the CPU) and card.

    Raises:
        ModelFileError: the file is missing, cut short, or was not written by this package.
    """
    path = Path(path)
    check_there(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            "is cut short or not a safetensors file", where=path, remedy="Copy it again from where it was trained"
        ) from error
    try:
        return tensors, ModelCard.from_json(metadata[_KEY])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            "holds weights but no readable Intarsia card, so how to build the network and prepare pictures is unknown",
            where=path,
            remedy="Name a model.safetensors that `intarsia train` of this version or an older one wrote",
        ) from error
