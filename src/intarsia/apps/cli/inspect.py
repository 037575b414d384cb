"""``intarsia inspect``: what masks hold and what is odd about them, even with no truth at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from intarsia.apps.cli.console import Json, console, plain_table, print_json, progress_bar, show_warnings
from intarsia.apps.cli.doctor import Classes

_UNDEFINED = "–"


def run(
    predicted: Annotated[Path, typer.Argument(help="A mask file, or a folder of masks.")],
    truth: Annotated[
        Path | None, typer.Argument(help="The true mask, or a folder of masks with the same names.")
    ] = None,
    classes: Classes = None,
    tile: Annotated[
        int | None,
        typer.Option("--tile", min=8, help="Pixels between the seams of tiles, to test for errors along them."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at masks that any program made: what they hold, what is odd, and with a truth, why they are wrong."""
    from intarsia.apps.cli.score import find_classes
    from intarsia.errors import RecipeError
    from intarsia.evaluate.inspection import inspect_masks
    from intarsia.evaluate.provenance import all_right, pair_warnings
    from intarsia.evaluate.runner import pair_masks

    if tile is not None and truth is None:
        raise RecipeError(
            "errors along seams can only be seen beside a truth", where="--tile", remedy="Name the true masks as well"
        )
    pairs = pair_masks(predicted, predicted if truth is None else truth)
    label_map = find_classes(classes, truth or predicted, [path for _, path in pairs])
    with progress_bar("reading") as progress:
        inspection = inspect_masks(pairs, label_map, truth=truth is not None, tile=tile, progress=progress)
    warnings = []
    if inspection.confusion is not None:
        warnings = pair_warnings(pairs, identical=all_right(inspection.confusion))
    content = {"warnings": warnings, **inspection.to_dict()}
    if as_json:
        print_json(content)
        return
    screen = console()
    show_warnings(warnings)
    screen.print(_classes_table(content))
    screen.print("median size in pixels, of the pieces that are no specks (10 pixels or more)")
    for finding in content["findings"]:
        screen.print(f"{finding['severity']}: {finding['name']}: {finding['finding']}. {finding['remedy']}")
    if content["diagnosis"] is not None:
        _print_diagnosis(content["diagnosis"])
    elif not content["findings"]:
        screen.print("nothing odd was found; whether the masks are right, only a truth can tell")


def _classes_table(content: Mapping[str, Any]) -> Table:
    compared = content["diagnosis"] is not None
    columns = ["class", "id", "pixels", "pictures", "pieces", "specks", "median size", "ragged"]
    table = plain_table(*columns, *(["× true"] if compared else []))
    for row in content["classes"]:
        median = row["size_quantiles"]["50%"]
        cells = [
            row["name"],
            str(row["id"]),
            f"{row['share']:.2%}",
            f"{row['images']} of {content['images']}",
            f"{row['pieces']:,}",
            f"{row['specks']:,}",
            _UNDEFINED if median is None else f"{median:,}",
            _number(row["roughness"], ".0%"),
        ]
        table.add_row(*cells, *([_number(row["ratio"], ".2f")] if compared else []))
    return table


def _print_diagnosis(diagnosis: Mapping[str, Any]) -> None:
    from intarsia.evaluate.diagnosis import summed_up

    screen = console()
    screen.print(f"\nwhy classes lose what they lose (border band: {diagnosis['band']}; objects are connected pieces)")
    for entry in sorted(diagnosis["classes"], key=lambda entry: -(entry["lost"] or 0)):
        if entry["parts"]:
            screen.print(f"IoU {_number(entry['iou'], '.3f')}  {entry['sentence']}; see docs/{entry['how_to']}.md")
    rest = summed_up(diagnosis["classes"])
    if rest:
        screen.print(rest)
    strata, rows = diagnosis["size_recall"]["strata"], diagnosis["size_recall"]["classes"]
    shown = [s for s in range(len(strata)) if any(row["objects"][s] for row in rows)]
    table = plain_table("found", *(strata[s] for s in shown))
    for row in rows:
        table.add_row(row["name"], *(_found(row["recall"], row["objects"], s) for s in shown))
    screen.print()
    screen.print(table)


def _found(recall: Sequence[float | None], objects: Sequence[int], stratum: int) -> str:
    share = recall[stratum]
    return _UNDEFINED if share is None else f"{share:.0%} of {objects[stratum]:,}"


def _number(value: float | None, form: str) -> str:
    return _UNDEFINED if value is None else format(value, form)
