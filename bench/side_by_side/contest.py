"""One set: train both programs turn by turn, score them by the same counting, and gather what is reported."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.evaluate.runner import evaluate_items
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ScoreTable
from intarsia.train.prepare import PreparedData, prepare
from intarsia.train.recipe import Recipe
from side_by_side import ours, theirs
from side_by_side.ours import Trained
from side_by_side.sets import BenchmarkSet

OURS, THEIRS, ABLATED = "Intarsia", "smp", "smp with Intarsia's loss and optimizer"

Train = Callable[[Recipe, PreparedData, Path], Trained]


def compete(chosen: BenchmarkSet, weights: Path, work: Path, scale: float, ablate: bool) -> dict[str, Any]:
    """Run one set.

    Args:
        chosen: the set.
        weights: the encoder's ImageNet weights, for both.
        work: an empty folder for the run folders.
        scale: factor on the number of steps.
        ablate: whether the third contestant runs as well.

    Returns:
        What the JSON file holds of a set, but for the machine.
    """
    steps = max(2, round(chosen.steps * scale))
    trainers = _trainers(weights, ablate)
    trained: dict[str, list[Trained]] = {name: [] for name in trainers}
    tables: dict[str, list[ScoreTable]] = {name: [] for name in trainers}
    data: PreparedData | None = None
    for number, part in enumerate(chosen.parts):
        data = prepare(part, seed=ours.SEED)
        recipe = ours.recipe_for(chosen, part, data, weights, steps)
        for name, train in trainers.items():
            gc.collect()
            result = train(recipe, data, work / f"run{number}")
            trained[name].append(result)
            tables[name].append(evaluate_items(result.prepared, data.splits[chosen.scored]))
            print(f"{chosen.name} {number + 1}/{len(chosen.parts)} {name}: {result.trial.seconds:.1f} s", flush=True)
    assert data is not None, "a set has at least one part"
    return {
        "title": chosen.title,
        "note": chosen.note,
        "parts": len(chosen.parts),
        "train_images": len(data.splits["train"]),
        "scored": chosen.scored,
        "scored_images": sum(len(table.names) for table in tables[OURS]),
        "steps": steps,
        "full_run": scale == 1,
        "headline": f"Dice of {chosen.foreground}" if chosen.foreground else "mean IoU",
        "batch_size": ours.BATCH_SIZE,
        "augment": asdict(chosen.augment),
        "programs": {name: _entry(trained[name], pooled(tables[name]), chosen.foreground) for name in trainers},
    }


def pooled(tables: Sequence[ScoreTable]) -> ScoreTable:
    """One table of the pictures of all folds; no picture is in two."""
    return ScoreTable(
        tables[0].label_map,
        tuple(name for table in tables for name in table.names),
        tuple(group for table in tables for group in table.groups),
        np.concatenate([table.confusion for table in tables]),
    )


def _trainers(weights: Path, ablate: bool) -> dict[str, Train]:
    trainers: dict[str, Train] = {
        OURS: ours.train,
        THEIRS: lambda recipe, data, _: theirs.train(recipe, data, weights, theirs.as_documented(recipe, data)),
    }
    if ablate:
        trainers[ABLATED] = lambda recipe, data, _: theirs.train(
            recipe, data, weights, theirs.with_our_settings(recipe, data)
        )
    return trainers


def _entry(trained: Sequence[Trained], table: ScoreTable, foreground: str | None) -> dict[str, Any]:
    summary = summarize(table)
    figures = {"mean IoU": summary.overall["mean_iou_dataset"]}
    figures |= {f"Dice of {one.name}": one.figures["dice"] for one in summary.classes if one.name == foreground}
    figures["pixel accuracy"] = summary.overall["pixel_accuracy_dataset"]
    steps = [seconds for result in trained for seconds in result.trial.step_seconds]
    return {
        "settings": trained[0].settings,
        "parameters": trained[0].parameters,
        "figures": {name: figure.to_dict() for name, figure in figures.items()},
        "class_iou": {one.name: one.figures["iou"].to_dict() for one in summary.classes},
        "train_seconds": sum(result.trial.seconds for result in trained),
        "median_step_seconds": statistics.median(steps),
        "first_step_seconds": trained[0].trial.step_seconds[0],
        "interval": summary.conventions["interval"],
    }
