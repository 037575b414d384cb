"""``intarsia evaluate``: a model's score on pictures it never saw, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intarsia.apps.cli.console import (
    Device,
    Json,
    console,
    number,
    plain_table,
    print_json,
    progress_bar,
    score_table,
    show_warnings,
    with_interval,
)
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.opening import load_model
from intarsia.apps.cli.plan import GroupBy

if TYPE_CHECKING:
    from rich.table import Table

    from intarsia.data.formats.folder import Item
    from intarsia.evaluate.summary import Summary
    from intarsia.metrics import Void
    from intarsia.metrics.picture import CountOptions
    from intarsia.predict.model import Model

_DISTANCES = {
    "average_surface_distance_symmetric_exclude": "ASSD",
    "hausdorff_per_image": "Hausdorff",
    "hausdorff_95_per_image": "HD95",
}

VoidOption = Annotated[
    str,
    typer.Option(
        "--void", help="How void pixels count: exclude, exclude-both or count; see docs/reference/conventions.md."
    ),
]
ToleranceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance", help='Of Boundary F1: "2 px", or "0.5%" of the diagonal; default 1, 2, 3, 5 px and 0.75%.'
    ),
]
SpacingOption = Annotated[
    str | None,
    typer.Option("--spacing", help='Height and width of a pixel, "0.5,0.8", in mm for instance: measure surfaces too.'),
]
SurfaceToleranceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--surface-tolerance", help="Of NSD, in the unit of --spacing; default 1, 2 and 3 times a pixel's larger side."
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
    tolerances: ToleranceOption = None,
    spacing: SpacingOption = None,
    surface_tolerances: SurfaceToleranceOption = None,
    group_by: GroupBy = None,
    out: Annotated[Path, typer.Option("--out", help="The folder for the results.")] = Path("evaluation"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Score a model: metrics.json, report.html and a contact sheet of its best and worst pictures."""
    from intarsia.data.formats.folder import open_folder
    from intarsia.data.splits import with_groups
    from intarsia.metrics.class_counts import void_convention
    from intarsia.metrics.picture import CountOptions
    from intarsia.train.selection import select

    convention = void_convention(void)
    options = CountOptions.parse(tolerances or (), spacing, surface_tolerances or ())
    loaded = load_model(model, device)
    folder = open_folder(data, classes)
    chosen = select(loaded.card, folder, split)
    items = with_groups(chosen.items, group_by) if group_by else chosen.items
    screen = console(to_stderr=as_json)
    screen.print(f"scoring {len(chosen.items)} pictures ({chosen.split}) of {data}")
    summary, written = evaluate_to(
        out,
        loaded,
        items,
        title=f"{data.resolve().name}: {chosen.split}",
        details={"data": str(data), "split": chosen.split},
        warnings=chosen.warnings,
        void=convention,
        options=options,
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
    details: Mapping[str, str],
    curves: Sequence[Mapping[str, float]] = (),
    warnings: Sequence[str] = (),
    void: Void = "exclude",
    options: CountOptions | None = None,
) -> tuple[Summary, list[Path]]:
    """Score a model on items and write everything; shared with ``intarsia demo``."""
    from intarsia.evaluate.evaluation import summarize_all
    from intarsia.evaluate.provenance import truth_warnings
    from intarsia.evaluate.runner import evaluate_items, examples
    from intarsia.evaluate.watch import Watch
    from intarsia.evaluate.write import ranked, write_evaluation
    from intarsia.metrics.picture import DEFAULT_OPTIONS

    with progress_bar("scoring") as progress:
        card = model.card
        watch = Watch(card.image_spec, card.label_map)
        table = evaluate_items(model.prepared, items, progress, watch, options or DEFAULT_OPTIONS)
    made = truth_warnings([item.mask for item in items], model=card.weights_fingerprint, teachers=card.teachers)
    summary = summarize_all(table, void=void, warnings=[*made, *warnings], checks=watch.findings(table))
    shown = ranked(summary, table, void).shown(lambda names: examples(model.prepared, items, names, void))
    details = {**details, **_model_details(model)}
    return summary, write_evaluation(out, summary, table, shown, title=title, details=details, curves=curves)


def show(summary: Summary, written: Sequence[Path]) -> None:
    """Print what people must know: warnings first, the per-class table, its conventions, why, and where files are."""
    from intarsia.evaluate.diagnosis import summed_up

    screen = console()
    content = summary.to_dict()
    show_warnings(summary.warnings)
    screen.print(score_table(content))
    screen.print("figures of the pixels of all scored pictures together (…_dataset)")
    if "boundary" in content:
        screen.print(_borders(content["boundary"]))
    if "surface" in content:
        screen.print(_surfaces(content["surface"]))
        screen.print(_mean_surfaces(content["surface"]))
        screen.print(
            "distances are in the unit of --spacing, of the images where neither outline of a class is missing"
        )
    screen.print(f"void: {content['conventions']['void']}")
    screen.print(f"intervals: {content['conventions']['interval']}")
    if not content["conventions"]["void"].startswith("exclude:"):
        screen.print("Boundary F1, distances and the reasons below are under void: exclude, whatever IoU and Dice use")
    explained = content.get("diagnosis", {}).get("classes", ())
    for entry in explained:
        if entry["parts"]:
            screen.print(f"why: {entry['sentence']}")
    if rest := summed_up(explained):
        screen.print(rest)
    for check in content.get("diagnosis", {}).get("checks", ()):
        screen.print(f"{check['severity']}: {check['finding']}. {check['remedy']}")
    for path in written:
        screen.print(f"wrote {path}")


def _borders(boundary: Mapping[str, Any]) -> str:
    found = zip(boundary["tolerances"], boundary["overall"]["mean_boundary_f1"], strict=True)
    return "mean Boundary F1: " + ", ".join(f"{with_interval(figure)} within {at}" for at, figure in found)


def _surfaces(surface: Mapping[str, Any]) -> Table:
    """The figures of each class, without their intervals: a terminal is not wide enough."""
    heads = [f"NSD ≤ {tolerance:g}" for tolerance in surface["tolerances"]]
    table = plain_table("class", *heads, *_DISTANCES.values(), "one missing")
    for row in surface["classes"]:
        figures = [*row["surface_dice"], *(row[name] for name in _DISTANCES)]
        missing, images = row["images_infinite"], row["images_infinite"] + row["images_finite"]
        table.add_row(row["name"], *(number(figure["value"]) for figure in figures), f"{missing} of {images}")
    return table


def _mean_surfaces(surface: Mapping[str, Any]) -> str:
    overall = surface["overall"]
    found = zip(surface["tolerances"], overall["mean_surface_dice"], strict=True)
    parts = [f"NSD {with_interval(figure)} within {tolerance:g}" for tolerance, figure in found]
    parts += [f"{words} {with_interval(overall[f'mean_{name}'])}" for name, words in _DISTANCES.items()]
    return "means: " + ", ".join(parts)


def _model_details(model: Model) -> dict[str, str]:
    card = model.card
    return {
        "architecture": card.architecture,
        "arguments": ", ".join(f"{key}={value}" for key, value in card.arguments.items()),
        "precision": model.prepared.precision,
        "device": model.prepared.device.type,
        "seed": str(card.recipe.get("seed", "")),
        "trained on (fingerprint)": card.data_fingerprint[:16],
        "version": card.version,
    }
