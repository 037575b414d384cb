"""Intarsia's side: a recipe through its own train room, as `intarsia train recipe.yaml` runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from intarsia import architectures
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.prepared import PreparedNetwork
from intarsia.train.planner import plan_loss
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import DataPart, ModelPart, OptimizerPart, Recipe
from intarsia.train.run import run
from side_by_side.clock import StepClock, Trial
from side_by_side.sets import BenchmarkSet

ENCODER = "resnet18"
BATCH_SIZE = 8
SEED = 0
LEARNING_RATE = 1e-3
WARMUP = 1 / 15  # of all steps


@dataclass(frozen=True)
class Trained:
    """A trained network, the time it took, and how it was trained in one line."""

    prepared: PreparedNetwork
    trial: Trial
    parameters: int
    settings: str


def recipe_for(chosen: BenchmarkSet, part: DataPart, data: PreparedData, weights: Path, steps: int) -> Recipe:
    """One round, so that validation happens once, after the last step, and the best round is the last.

    The loss is the one `intarsia plan` chooses for the data.
    """
    return Recipe(
        data=part,
        model=ModelPart(architecture="unet", arguments={"encoder": ENCODER}, encoder_weights=str(weights)),
        augment=chosen.augment,
        loss=plan_loss(data.examination.summary(data.splits["train"])),
        optimizer=OptimizerPart(learning_rate=LEARNING_RATE, warmup_steps=max(1, round(WARMUP * steps))),
        rounds=1,
        steps_per_round=steps,
        batch_size=BATCH_SIZE,
        seed=SEED,
        device="cpu",
    )


def train(recipe: Recipe, data: PreparedData, folder: Path) -> Trained:
    with StepClock() as clock:

        def build(architecture: str, **arguments: Any) -> SegmentationNetwork:
            network = architectures.build(architecture, **arguments)
            clock.watch(network)
            return network

        result = run(recipe, data, build, folder)
    prepared = result.model.prepared
    settings = (
        f"{prepared.precision}, channels last; {describe(recipe)}; pictures normalized by the training pictures' mean"
        " and standard deviation"
    )
    return Trained(prepared, clock.trial(), count_parameters(result.model.network), settings)


def describe(recipe: Recipe) -> str:
    """The loss and the optimizer in one line."""
    part, loss = recipe.optimizer, recipe.loss
    return (
        f"{loss.name} loss (λ {loss.dice_weight:g}, class weights {loss.class_weights}); AdamW, learning rate"
        f" {part.learning_rate:g}, weight decay {part.weight_decay:g}, {part.warmup_steps} steps of warm-up, cosine to"
        f" 0, gradient norm clipped at {part.gradient_clip:g}"
    )


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
