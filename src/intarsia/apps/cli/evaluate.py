"""``intarsia evaluate``: a model's score on pictures it never saw, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Device, Json, console, print_json, progress_bar, score_table
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.models import load_model
from intarsia.errors import DataError, RecipeError

if TYPE_CHECKING:
    from intarsia.data.formats.folder import DataFolder, Item
    from intarsia.evaluate.summary import Summary
    from intarsia.predict.model import Model
    from intarsia.weights import ModelCard


def run(
    model: Annotated[Path, typer.Argument(help="A model.safetensors, or the run folder that holds one.")],
    data: Annotated[Path, typer.Argument(help="The data set's folder.")],
    split: Annotated[
        str | None, typer.Option("--split", help="train, val, test or all; default test, else val, else all.")
    ] = None,
    classes: Classes = None,
    out: Annotated[Path, typer.Option("--out", help="The folder for the results.")] = Path("evaluation"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Score a model: metrics.json, report.html and a contact sheet of its best and worst pictures."""
    from intarsia.data.formats.folder import open_folder

    loaded = load_model(model, device)
    folder = open_folder(data, classes)
    check_classes(loaded.card, folder)
    name, items = choose(loaded.card, folder, split)
    screen = console(to_stderr=as_json)
    screen.print(f"scoring {len(items)} pictures ({name}) of {data}")
    summary, written = evaluate_to(
        out, loaded, items, title=f"{data.resolve().name}: {name}", data=str(data), split=name
    )
    if as_json:
        print_json(summary.to_dict())
        return
    show(summary, written)


def evaluate_to(
    out: Path,
    model: Model,
    items: Sequence[Item],
    *,
    title: str,
    data: str,
    split: str,
    curves: Sequence[Mapping[str, float]] = (),
) -> tuple[Summary, list[Path]]:
    """Score a model on items and write everything; shared with ``intarsia demo``."""
    from intarsia.evaluate.runner import evaluate_items, examples
    from intarsia.evaluate.summary import summarise
    from intarsia.evaluate.write import Shown, ranked, write_evaluation

    with progress_bar("scoring") as progress:
        table = evaluate_items(model.predictor, items, progress)
    summary = summarise(table)
    worst, best = ranked(summary)
    shown = Shown(*(list(examples(model.predictor, items, names)) for names in (worst, best)))
    details = {"data": data, "split": split, **_model_details(model)}
    return summary, write_evaluation(out, summary, table, shown, title=title, details=details, curves=curves)


def show(summary: Summary, written: Sequence[Path]) -> None:
    """Print the per-class table, what its intervals are, and where the files are."""
    screen = console()
    content = summary.to_dict()
    screen.print(score_table(content))
    screen.print(f"figures of the whole data set; in brackets, {content['conventions']['interval']}")
    for path in written:
        screen.print(f"wrote {path}")


def choose(card: ModelCard, folder: DataFolder, split: str | None) -> tuple[str, tuple[Item, ...]]:
    """The pictures to score: of the folder's own splits, or of the split the model was trained with.

    Raises:
        RecipeError: there is no such split.
    """
    from intarsia.data.splits import with_groups
    from intarsia.train.prepare import split_folder
    from intarsia.train.recipe import parse_recipe

    recipe = parse_recipe(card.recipe) if card.recipe else None
    if split == "all" or recipe is None:
        grouped = recipe.data.group_by if recipe else None
        return "all", with_groups(folder.items, grouped) if grouped else folder.items
    splits, _ = split_folder(folder, recipe.data, recipe.seed)
    name = split or next(name for name in ("test", "val", "train") if name in splits)
    if name not in splits:
        raise RecipeError(
            f"there is no split {name!r}", where=folder.root, remedy=f"Choose from {', '.join(splits)}, all"
        )
    return name, splits[name]


def check_classes(card: ModelCard, folder: DataFolder) -> None:
    """Refuse data whose class list gives an id another meaning than the model does.

    Raises:
        DataError: the two lists disagree.
    """
    ours, theirs = card.label_map, folder.label_map
    inferred = not (folder.root / "classes.yaml").exists()
    if (theirs.ids, theirs.names) != (ours.ids, ours.names) and not inferred:
        raise DataError(
            f"its classes are {theirs.describe()}, but the model knows {ours.describe()}",
            where=folder.root / "classes.yaml",
            remedy="Evaluate on data with the model's classes, or pass them with --classes",
        )


def _model_details(model: Model) -> dict[str, str]:
    card = model.card
    return {
        "architecture": card.architecture,
        "arguments": ", ".join(f"{key}={value}" for key, value in card.arguments.items()),
        "precision": model.predictor.precision,
        "device": model.predictor.device.type,
        "seed": str(card.recipe.get("seed", "")),
        "trained on (fingerprint)": card.data_fingerprint[:16],
        "version": card.version,
    }
