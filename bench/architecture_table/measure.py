"""Train one architecture as ``intarsia train`` does, score it as ``intarsia evaluate`` does, and time both."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from architecture_table.contestants import RESNET, Contestant
from intarsia import architectures
from intarsia.data.dataset import read_pair
from intarsia.evaluate.runner import evaluate_items
from intarsia.evaluate.summary import summarize
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.prepared import PreparedNetwork
from intarsia.train.planner import plan_loss
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import ModelPart, OptimizerPart, Recipe
from intarsia.train.run import run
from side_by_side.clock import StepClock, Trial
from side_by_side.sets import BenchmarkSet

BATCH_SIZE = 8
WARMUP = 1 / 15  # of all steps
TIMED_STEPS, TIMED_PICTURES = 6, 12


def train_and_score(
    contestant: Contestant, chosen: BenchmarkSet, data: PreparedData, weights: Path, steps: int
) -> dict[str, Any]:
    """Scores of the model after its last step, and how long a step took."""
    network, prepared, trial = _train(contestant, chosen, data, weights, steps)
    summary = summarize(evaluate_items(prepared, data.splits[chosen.scored]))
    return {
        "steps": steps,
        "learning_rate": contestant.learning_rate,
        "weights": contestant.weights,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "mean_iou": summary.overall["mean_iou_dataset"].to_dict(),
        "pixel_accuracy": summary.overall["pixel_accuracy_dataset"].to_dict(),
        "class_iou": {one.name: one.figures["iou"].to_dict() for one in summary.classes},
        "train_seconds": trial.seconds,
    }


def clock(contestant: Contestant, chosen: BenchmarkSet, data: PreparedData, weights: Path) -> dict[str, float]:
    """Median seconds of a training step and of a whole picture's prediction, on a machine that does nothing else."""
    _, prepared, trial = _train(contestant, chosen, data, weights, TIMED_STEPS)
    pictures = [read_pair(item)[0] for item in data.splits[chosen.scored][:TIMED_PICTURES]]
    seconds = []
    for picture in pictures:
        started = time.perf_counter()
        prepared.predict(picture)
        seconds.append(time.perf_counter() - started)
    return {
        "step_seconds": statistics.median(trial.step_seconds[1:]),
        "predict_seconds": statistics.median(seconds[2:]),  # the first ones warm up
    }


def _train(
    contestant: Contestant, chosen: BenchmarkSet, data: PreparedData, weights: Path, steps: int
) -> tuple[SegmentationNetwork, PreparedNetwork, Trial]:
    recipe = Recipe(
        data=chosen.parts[0],
        model=ModelPart(
            architecture=contestant.architecture,
            arguments=dict(contestant.arguments),
            encoder_weights=str(weights) if contestant.weights == RESNET else contestant.weights or None,
        ),
        augment=chosen.augment,
        loss=plan_loss(data.examination.summary(data.splits["train"])),
        optimizer=OptimizerPart(learning_rate=contestant.learning_rate, warmup_steps=max(1, round(WARMUP * steps))),
        rounds=1,
        steps_per_round=steps,
        batch_size=BATCH_SIZE,
        seed=0,
        device="cuda" if torch.cuda.is_available() else "cpu",
    )
    with StepClock() as stopwatch, tempfile.TemporaryDirectory(prefix="intarsia-bench-") as folder:

        def build(architecture: str, **arguments: Any) -> SegmentationNetwork:
            network = architectures.build(architecture, **arguments)
            stopwatch.watch(network)
            return network

        result = run(recipe, data, build, Path(folder))
    return result.model.network, result.model.prepared, stopwatch.trial()
