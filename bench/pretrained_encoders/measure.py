"""Train as ``intarsia train`` does, score as ``intarsia evaluate`` does, and compare as ``intarsia compare`` does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from intarsia import architectures
from intarsia.augment import AugmentPolicy
from intarsia.data.formats.folder import open_folder
from intarsia.data.splits import split_items
from intarsia.evaluate.comparison import compare
from intarsia.evaluate.runner import evaluate_items
from intarsia.evaluate.saved import SavedEvaluation
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ScoreTable, class_counts
from intarsia.train.planner import plan_loss
from intarsia.train.prepare import PreparedData, prepare
from intarsia.train.recipe import DataPart, ModelPart, OptimizerPart, Recipe
from intarsia.train.run import run
from pretrained_encoders.trials import RESNET_FILE, Section, Trial
from side_by_side.sets import nuclei

SETTINGS = {"batch_size": 8, "crop": 192, "learning_rate": 1e-3}
WARMUP = 1 / 15  # of all steps
SEED = 0
VAL, TEST = 0.01, 0.4  # a run needs a validation part, and nothing is chosen by it
NUCLEUS = 1


def measure(section: Section, shared: Path, work: Path, steps: int) -> dict[str, Any]:
    """Train and score all trials of a section.

    Args:
        section: what to train.
        shared: the folder of ``data`` and ``weights``.
        work: where to prepare the pictures; made here.
        steps: optimizer steps of each training.
    """
    part = _pictures(section, shared, work)
    data = prepare(part, SEED)
    tables: dict[str, ScoreTable] = {}
    rows: dict[str, Any] = {}
    for name, trial in section.trials.items():
        recipe = _recipe(part, data, trial, shared, steps)
        tables[name], facts = _train_and_score(recipe, data)
        rows[name] = {"weights": trial.weights, "optimizer": dict(trial.optimizer), "against": trial.against, **facts}
        if trial.against:
            rows[name] |= _gains(tables[trial.against], tables[name])
        print(f"{section.title}: {name}: Dice {rows[name]['dice']['value']:.3f}", flush=True)
    images = {f"{split}_images": len(items) for split, items in data.splits.items()}
    return {"steps": steps, **images, "rows": rows}


def _pictures(section: Section, shared: Path, work: Path) -> DataPart:
    """The nuclei in a division of their own, made gray where the section asks for it."""
    work.mkdir()
    (part,) = nuclei(shared, work).parts
    folder = Path(part.folder)
    if section.gray:
        link = folder / "images"
        colored = link.resolve()
        link.unlink()
        link.mkdir()
        for file in colored.iterdir():
            with Image.open(file) as picture:
                picture.convert("L").save(folder / "images" / f"{file.stem}.png")
    splits = split_items(open_folder(folder, part.classes).splits["all"], val=VAL, test=TEST, seed=SEED)
    # Names are digests, so the first of them are drawn at random.
    splits["train"] = splits["train"][: section.train_images]
    (folder / "splits").mkdir()
    for name, items in splits.items():
        (folder / "splits" / f"{name}.txt").write_text("".join(f"{item.name}\n" for item in items))
    return part


def _recipe(part: DataPart, data: PreparedData, trial: Trial, shared: Path, steps: int) -> Recipe:
    weights = str(shared / "weights" / RESNET_FILE) if trial.weights == RESNET_FILE else trial.weights or None
    settings = {"learning_rate": SETTINGS["learning_rate"], "warmup_steps": max(1, round(WARMUP * steps))}
    side = int(SETTINGS["crop"])
    return Recipe(
        data=part,
        model=ModelPart(arguments={"encoder": trial.encoder}, encoder_weights=weights),
        augment=AugmentPolicy(crop=(side, side), flip_vertical=0.5, right_angles=True),
        loss=plan_loss(data.examination.summary(data.splits["train"])),
        optimizer=OptimizerPart(**{**settings, **trial.optimizer}),
        rounds=1,
        steps_per_round=steps,
        batch_size=int(SETTINGS["batch_size"]),
        seed=SEED,
        device="cpu",
    )


def _train_and_score(recipe: Recipe, data: PreparedData) -> tuple[ScoreTable, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as folder:
        model = run(recipe, data, architectures.build, Path(folder)).model
    table = evaluate_items(model.prepared, data.splits["test"])
    summary = summarize(table)
    parameters = list(model.network.parameters())
    return table, {
        "layers": len(model.network.encoder_layers()),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "learning": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "dice": summary.classes[NUCLEUS].figures["dice"].to_dict(),
        "mean_iou": summary.overall["mean_iou_dataset"].to_dict(),
    }


def _gains(before: ScoreTable, after: ScoreTable) -> dict[str, Any]:
    found = compare([_saved(before, "before")], [_saved(after, "after")])
    return {"dice_gain": found.classes[NUCLEUS].dice.to_dict(), "mean_iou_gain": found.mean_iou.to_dict()}


def _saved(table: ScoreTable, name: str) -> SavedEvaluation:
    truth, counts = table.confusion.sum(axis=-1), class_counts(table.confusion)
    return SavedEvaluation(Path(name), table.label_map, table.names, table.groups, truth, "exclude", counts)
