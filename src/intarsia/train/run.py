"""A run: recipe in, run folder out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float32
from rich.console import Console
from torch import Tensor

from intarsia import __version__
from intarsia.errors import RecipeError
from intarsia.files import write_text
from intarsia.losses import build_loss
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.device import resolve_device, resolve_precision
from intarsia.predict.model import Model, assemble
from intarsia.predict.prepared import PreparedNetwork
from intarsia.train.bf16_gradients import keep_gradients_right
from intarsia.train.callbacks import AtomicCheckpointIO, History
from intarsia.train.engine import BEST, LAST, fit, reproducible
from intarsia.train.fine_tuning import freeze_layers
from intarsia.train.module import SegmentationModule
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import LossPart, Recipe, read_recipe
from intarsia.weights import MODEL_FILE, ModelCard, find_weights, fingerprint_weights, read_state_dict, write_model

Build = Callable[..., SegmentationNetwork]
"""Called as ``build(architecture, in_channels=…, num_classes=…, **arguments)``."""

RECIPE_FILE = "recipe.yaml"


@dataclass(frozen=True)
class RunResult:
    """What a finished run leaves.

    Args:
        model: the best round's model, as ``model.safetensors`` of the run folder holds it.
        history: one row a round.
    """

    model: Model
    history: Sequence[Mapping[str, float]]


def run(recipe: Recipe, data: PreparedData, build: Build, folder: Path, console: Console | None = None) -> RunResult:
    """Train a network; a run folder with checkpoints is continued after its last finished round.

    The folder receives ``recipe.yaml``, ``splits/``, ``metrics.csv``, ``curves.png``, ``checkpoints/`` and, at the
    end, ``model.safetensors``. Two runs of one recipe on one kind of CPU with as many threads
    give bit-identical models, interrupted or not.

    Args:
        recipe: everything that decides the result.
        data: the recipe's data, prepared.
        build: makes the network.
        folder: the run folder; created, or continued if it holds checkpoints.
        console: where to draw progress; None is silent.

    Raises:
        RecipeError: settings that do not fit each other or the data.
        FetchError: the encoder's weights could not be found or fetched.
        ModelFileError: they do not fit the encoder.
        OutputError: a file could not be written; the run can be continued.
        KeyboardInterrupt: Ctrl-C; the run can be continued.
    """
    device = resolve_device(recipe.device)
    precision = resolve_precision(recipe.precision, device)
    arguments = network_arguments(recipe, data)
    recipe, weights = _find_weights(recipe, folder, console)
    history = History(folder)
    with reproducible(recipe.seed, device):
        network = _network(recipe, arguments, build, weights).to(device).to(memory_format=torch.channels_last)
        if device.type == "cpu" and precision == "bf16":
            keep_gradients_right(network)
        _check_together(recipe, network)
        freeze_layers(network, recipe.optimizer.freeze)
        loss = build_loss(
            recipe.loss.name,
            class_weights=class_weights(recipe.loss, data),
            dice_weight=recipe.loss.dice_weight,
            gamma=recipe.loss.gamma,
            output=network.output,
        )
        prepared = PreparedNetwork(network, data.spec, data.label_map, device, precision)
        module = SegmentationModule(prepared, network, loss, recipe.optimizer, recipe.steps, recipe.seed)
        # Written only now, when everything has been found to fit: a refused recipe leaves no folder behind.
        recipe.write(folder / RECIPE_FILE)
        for name, items in data.splits.items():
            write_text(folder / "splits" / f"{name}.txt", "".join(f"{item.name}\n" for item in items))
        fit(module, recipe, data, history, folder, console)
    module.load_state_dict(AtomicCheckpointIO().load_checkpoint(folder / BEST)["state_dict"])
    card = _card(recipe, data, arguments, network, max(row["val_mean_iou"] for row in history.rows))
    write_model(folder / MODEL_FILE, network.state_dict(), card)
    return RunResult(assemble(network, card, precision), tuple(history.rows))


def network_arguments(recipe: Recipe, data: PreparedData) -> dict[str, Any]:
    """What the network's builder is called with: the recipe's arguments, and the channels and classes of the data.

    Raises:
        RecipeError: the loss is for two classes and the data has another number, or the recipe states what the data
            decides.
    """
    classes = data.label_map.num_classes
    if recipe.loss.name == "bce_dice" and classes != 2:
        raise RecipeError(
            f"bce_dice is for two classes, and the data has {classes}", where="loss.name", remedy="Choose ce_dice"
        )
    for key in ("in_channels", "num_classes"):
        if key in recipe.model.arguments:
            raise RecipeError(
                "is decided by the data", where=f"model.arguments.{key}", remedy="Leave it out of the arguments"
            )
    # The loss of one channel decides that there is one; every other loss takes one channel a class.
    outputs = 1 if recipe.loss.name == "bce_dice" else classes
    return {**recipe.model.arguments, "in_channels": data.spec.channels, "num_classes": outputs}


def class_weights(part: LossPart, data: PreparedData) -> Float32[Tensor, " classes"] | None:
    """One weight a class: none, given, or "balanced": the inverse square root of its share of the training pixels.

    Balanced weights are scaled so that the average pixel weighs 1. The square root is milder than the plain inverse,
    which makes a class of one pixel in ten thousand drown out all others.

    Raises:
        RecipeError: as many weights were given as there are not classes.
    """
    if part.class_weights == "none":
        return None
    if part.class_weights != "balanced":
        if len(part.class_weights) != data.label_map.num_classes:
            raise RecipeError(
                f"there are {len(part.class_weights)} weights and {data.label_map.num_classes} classes",
                where="loss.class_weights",
                remedy="Give one weight a class",
            )
        return torch.tensor(part.class_weights, dtype=torch.float32)
    pixels = torch.tensor(data.examination.summary(data.splits["train"]).class_pixels, dtype=torch.float64)
    shares = pixels / pixels.sum()
    weights = shares.clamp_min(1e-12).rsqrt()
    weights[shares == 0] = 0.0  # a class that is never seen needs no weight, and would have an enormous one
    return (weights / (weights * shares).sum()).float()


def _find_weights(recipe: Recipe, folder: Path, console: Console | None) -> tuple[Recipe, Path | None]:
    """The file of the encoder's weights, if it takes any, and the recipe with their licence, if it is known."""
    part = recipe.model
    if not part.encoder_weights:
        return recipe, None
    if (folder / LAST).is_file():  # it holds what became of them, and their file need not be there any more
        path, license = None, read_recipe(folder / RECIPE_FILE).model.weights_license
    else:
        encoder = str(part.arguments.get("encoder", ""))
        found = find_weights(part.encoder_weights, encoder, report=console.print if console else None)
        path, license = found.path, found.license
    part = part.model_copy(update={"weights_license": part.weights_license or license})
    return recipe.model_copy(update={"model": part}), path


def _network(recipe: Recipe, arguments: Mapping[str, Any], build: Build, weights: Path | None) -> SegmentationNetwork:
    network = build(recipe.model.architecture, **arguments)
    if weights:
        network.load_encoder_weights(read_state_dict(weights))
    return network


def _check_together(recipe: Recipe, network: SegmentationNetwork) -> None:
    """Refuse settings that each are possible, but not together."""
    crop = recipe.augment.crop
    if crop and min(crop) < network.stride:
        raise RecipeError(
            f"the window of {crop[1]}×{crop[0]} pixels is smaller than one cell of the network's coarsest features,"
            f" {network.stride}×{network.stride}",
            where="augment.crop",
            remedy=f"Give [{network.stride}, {network.stride}] or more, or choose a network of a smaller stride",
        )
    if recipe.optimizer.freeze and not (recipe.model.encoder_weights or recipe.model.arguments.get("pretrained")):
        raise RecipeError(
            "layers are to be frozen, but they start at random and would never learn anything",
            where="optimizer.freeze",
            remedy="Name pretrained weights in model.encoder_weights, or give 0",
        )


def _card(
    recipe: Recipe, data: PreparedData, arguments: Mapping[str, Any], network: SegmentationNetwork, val_mean_iou: float
) -> ModelCard:
    fetched = recipe.model.arguments.get("pretrained")
    plain = recipe.model_dump(mode="json")
    # A model is handed on; where its data lay on the disk of whoever trained it is nobody's business.
    for part, key in (("data", "folder"), ("data", "classes"), ("model", "encoder_weights")):
        plain[part][key] = plain[part][key] and Path(plain[part][key]).name
    return ModelCard(
        architecture=recipe.model.architecture,
        # The file holds the weights; rebuilding the network from it must not fetch any.
        arguments={name: value for name, value in arguments.items() if name != "pretrained"},
        label_map=data.label_map,
        image_spec=data.spec,
        task=recipe.task,
        receptive_field=network.receptive_field,
        recipe=plain,
        data_fingerprint=data.fingerprint,
        seen=data.seen,
        weights_fingerprint=fingerprint_weights(network.state_dict()),
        teachers=data.teachers,
        metrics={"val_mean_iou_dataset": val_mean_iou},
        version=__version__,
        weights_license=recipe.model.weights_license or (network.encoder.license if fetched else ""),
    )
