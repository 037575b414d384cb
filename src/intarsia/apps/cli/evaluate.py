"""``intarsia evaluate``: a model's score on pictures it never saw, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Device, Json, console, print_json, progress_bar, score_table
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.models import load_model
from intarsia.apps.cli.plan import GroupBy

if TYPE_CHECKING:
    from intarsia.data.formats.folder import Item
    from intarsia.evaluate.summary import Summary
    from intarsia.metrics import Void
    from intarsia.predict.model import Model

VoidOption = Annotated[
    str,
    typer.Option(
        "--void", help="How void pixels count: exclude, exclude-both or count; see docs/reference/conventions.md."
    ),
]


def run(
    model: Annotated[Path, typer.Argument(help="A model.safetensors, or the run folder that holds one.")],
    data: Annotated[Path, typer.Argument(help="The data set's folder.")],
    split: Annotated[
        str | None, typer.Option("--split", help="train, val, test or all; default test, else val, else all.")
    ] = None,
    classes: Classes = None,
    void: VoidOption = "exclude",
    group_by: GroupBy = None,
    out: Annotated[Path, typer.Option("--out", help="The folder for the results.")] = Path("evaluation"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Score a model: metrics.json, report.html and a contact sheet of its best and worst pictures."""
    from intarsia.data.formats.folder import open_folder
    from intarsia.data.splits import with_groups
    from intarsia.metrics.class_counts import void_convention
    from intarsia.train.selection import select

    convention = void_convention(void)

    loaded = load_model(model, device)
    folder = open_folder(data, classes)
    chosen = select(loaded.card, folder, split)
    items = with_groups(chosen.items, group_by) if group_by else chosen.items
    screen = console(to_stderr=as_json)
    screen.print(f"scoring {len(chosen.items)} pictures ({chosen.split}) of {data}")
    if chosen.note:
        screen.print(f"note: {chosen.note}")
    title = f"{data.resolve().name}: {chosen.split}"
    summary, written = evaluate_to(out, loaded, items, title=title, data=str(data), split=chosen.split, void=convention)
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
    void: Void = "exclude",
) -> tuple[Summary, list[Path]]:
    """Score a model on items and write everything; shared with ``intarsia demo``."""
    from intarsia.evaluate.evaluation import summarize_all
    from intarsia.evaluate.provenance import truth_warnings
    from intarsia.evaluate.runner import evaluate_items, examples
    from intarsia.evaluate.watch import Watch
    from intarsia.evaluate.write import ranked, write_evaluation

    with progress_bar("scoring") as progress:
        card = model.card
        watch = Watch(card.image_spec, card.label_map)
        table = evaluate_items(model.predictor, items, progress, watch)
    warnings = truth_warnings([item.mask for item in items], model=card.weights_fingerprint, teachers=card.teachers)
    summary = summarize_all(table, void=void, warnings=warnings, checks=watch.findings(table))
    shown = ranked(summary, table, void).shown(lambda names: examples(model.predictor, items, names, void))
    details = {"data": data, "split": split, **_model_details(model)}
    return summary, write_evaluation(out, summary, table, shown, title=title, details=details, curves=curves)


def show(summary: Summary, written: Sequence[Path]) -> None:
    """Print what people must know: warnings first, the per-class table, its conventions, why, and where files are."""
    screen = console()
    content = summary.to_dict()
    for warning in summary.warnings:
        screen.print(f"WARNING: {warning}", style="bold red")
    screen.print(score_table(content))
    screen.print("figures of the whole data set (…_dataset)")
    screen.print(f"void: {content['conventions']['void']}")
    screen.print(f"intervals: {content['conventions']['interval']}")
    for entry in content.get("diagnosis", {}).get("classes", ()):
        screen.print(f"why: {entry['sentence']}")
    for check in content.get("diagnosis", {}).get("checks", ()):
        screen.print(f"{check['severity']}: {check['finding']}. {check['remedy']}")
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
