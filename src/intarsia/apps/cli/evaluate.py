"""``intarsia evaluate``: a model's score on pictures it never saw, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Device, Json, console, print_json, progress_bar, score_table
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.models import load_model

if TYPE_CHECKING:
    from intarsia.data.formats.folder import Item
    from intarsia.evaluate.summary import Summary
    from intarsia.predict.model import Model


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
    from intarsia.train.selection import select

    loaded = load_model(model, device)
    folder = open_folder(data, classes)
    chosen = select(loaded.card, folder, split)
    screen = console(to_stderr=as_json)
    screen.print(f"scoring {len(chosen.items)} pictures ({chosen.split}) of {data}")
    if chosen.note:
        screen.print(f"note: {chosen.note}")
    summary, written = evaluate_to(
        out, loaded, chosen.items, title=f"{data.resolve().name}: {chosen.split}", data=str(data), split=chosen.split
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
    from intarsia.evaluate.summary import summarize
    from intarsia.evaluate.write import Shown, ranked, write_evaluation

    with progress_bar("scoring") as progress:
        table = evaluate_items(model.predictor, items, progress)
    summary = summarize(table)
    worst, best = ranked(summary)
    shown = Shown(*(list(examples(model.predictor, items, names)) for names in (worst, best)))
    details = {"data": data, "split": split, **_model_details(model)}
    return summary, write_evaluation(out, summary, table, shown, title=title, details=details, curves=curves)


def show(summary: Summary, written: Sequence[Path]) -> None:
    """Print the per-class table, what its intervals are, and where the files are."""
    screen = console()
    content = summary.to_dict()
    screen.print(score_table(content))
    screen.print(f"figures of the whole data set; intervals: {content['conventions']['interval']}")
    for path in written:
        screen.print(f"wrote {path}")


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
