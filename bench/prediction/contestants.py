"""The three networks: trained briefly by Intarsia, the same weights given to segmentation_models_pytorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import yaml
from PIL import Image
from torch import nn

from intarsia import architectures
from intarsia.architectures.foreign import foreign_layout
from intarsia.augment import AugmentPolicy
from intarsia.data.formats.mask import write_mask
from intarsia.data.shapes import SHAPES, draw_shapes
from intarsia.files import write_text
from intarsia.nn.layouts import to_layout
from intarsia.predict.model import Model
from intarsia.train.prepare import prepare
from intarsia.train.recipe import DataPart, ModelPart, OptimizerPart, Recipe
from intarsia.train.run import run
from intarsia.weights import MODEL_FILE

SIDE = 512
CROP = 256
_TRAIN, _VAL = 96, 4
_BATCH_SIZE = 8


@dataclass(frozen=True)
class Contestant:
    """One network in both programs.

    Args:
        title: as people call it.
        architecture: ours.
        arguments: of ours, such that both compute the same.
        peer: builds smp's, from the number of classes.
        learning_rate: for the brief training.
    """

    title: str
    architecture: str
    arguments: Mapping[str, Any]
    peer: Callable[[int], nn.Module]
    learning_rate: float


CONTESTANTS: Mapping[str, Contestant] = {
    "unet": Contestant(
        "U-Net on ResNet-34",
        "unet",
        {"encoder": "resnet34"},
        lambda classes: smp.Unet("resnet34", encoder_weights=None, classes=classes),
        1e-3,
    ),
    "deeplabv3plus": Contestant(
        "DeepLabV3+ on ResNet-50",
        "deeplabv3plus",
        {"encoder": "resnet50", "variant": "smp"},
        lambda classes: smp.DeepLabV3Plus("resnet50", encoder_weights=None, classes=classes),
        1e-3,
    ),
    "segformer": Contestant(
        "SegFormer-B0",
        "segformer",
        {"size": "b0", "align_corners": True},
        lambda classes: smp.Segformer("mit_b0", encoder_weights=None, classes=classes),
        1e-3,
    ),
}


def draw_training_set(folder: Path) -> None:
    """Pictures of the size and kind that are predicted later, none of them the same."""
    write_text(folder / "classes.yaml", yaml.safe_dump(SHAPES.to_dict(), sort_keys=False))
    for seed in range(_TRAIN + _VAL):
        split = folder / ("train" if seed < _TRAIN else "val")
        (split / "images").mkdir(parents=True, exist_ok=True)
        image, mask = draw_shapes(seed, SIDE, SIDE)
        Image.fromarray(image).save(split / "images" / f"{seed:03d}.png")
        write_mask(split / "masks" / f"{seed:03d}.png", mask, SHAPES)


def train(contestant: Contestant, data: Path, folder: Path, steps: int) -> Path:
    """Train from scratch by Intarsia's own recipe; returns the model file, which is kept and taken again if there."""
    model = folder / MODEL_FILE
    if model.is_file():
        return model
    part = DataPart(folder=str(data))
    recipe = Recipe(
        data=part,
        model=ModelPart(architecture=contestant.architecture, arguments=dict(contestant.arguments)),
        augment=AugmentPolicy(crop=(CROP, CROP)),
        optimizer=OptimizerPart(learning_rate=contestant.learning_rate),
        rounds=1,
        steps_per_round=steps,
        batch_size=_BATCH_SIZE,
    )
    run(recipe, prepare(part, seed=0), architectures.build, folder)
    return model


def peer_of(contestant: Contestant, model: Model) -> nn.Module:
    """smp's network with the weights of ours."""
    layout = foreign_layout(contestant.architecture, "smp", model.network)
    peer = contestant.peer(model.card.label_map.num_classes)
    peer.load_state_dict(to_layout(model.network.state_dict(), layout))
    return peer.eval()
