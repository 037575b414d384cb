"""``intarsia doctor``: is this data set fit to train on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from intarsia.apps.cli.console import Json, console, plain_table, print_json, progress_bar

if TYPE_CHECKING:
    from intarsia.data.examination import Examination, ImageRecord
    from intarsia.evaluate.checks import Finding

Classes = Annotated[
    Path | None,
    typer.Option("--classes", help="A class list to use instead of the classes.yaml beside the pictures or masks."),
]


def run(
    data: Annotated[Path, typer.Argument(help="The data set's folder.")], classes: Classes = None, as_json: Json = False
) -> None:
    """Read every picture and mask once and say what is wrong with them, and what to do about it."""
    from intarsia.data.doctor import examine
    from intarsia.data.formats.folder import open_folder

    folder = open_folder(data, classes)
    with progress_bar("reading") as progress:
        examination = examine(folder, progress)
    mismatches = _mismatches(examination)
    if as_json:
        print_json({**examination.to_dict(), "mismatches": [vars(finding) for finding in mismatches]})
    else:
        screen = console()
        for note in folder.notes:
            screen.print(f"note: {note}")
        for finding in examination.findings:
            screen.print(f"{finding.severity}: {finding.message}")
        for mismatch in mismatches:
            screen.print(f"{mismatch.severity}: {mismatch.finding}. {mismatch.remedy}.")
        screen.print(*tables(examination), sep="\n")
    if any(finding.severity == "error" for finding in examination.findings):
        raise typer.Exit(1)
    if not as_json and not examination.findings and not mismatches:
        console().print("nothing wrong was found")


def _mismatches(examination: Examination) -> list[Finding]:
    """Masks that a model predicted, and splits whose pictures were made otherwise than those of training."""
    from intarsia.data.formats.provenance import maker_of
    from intarsia.evaluate.checks import Finding, examined_statistics, folder_mismatch

    found = []
    predicted = sum(maker_of(record.item.mask) is not None for record in examination.records)
    if predicted:
        fact = f"{predicted:,} of {len(examination.records):,} masks were predicted by a model and not changed since"
        remedy = "Have people correct them: a model learns the mistakes of its truth, and its score does not show them"
        found.append(Finding("predicted masks", fact, remedy, "warning"))
    splits: dict[str, list[ImageRecord]] = {}
    for record in examination.records:
        splits.setdefault(record.split, []).append(record)
    if "train" not in splits:
        return found
    for name, records in splits.items():
        finding = folder_mismatch(examined_statistics(splits["train"]), examined_statistics(records))
        if finding is not None:
            found.append(replace(finding, finding=f"train and {name}: {finding.finding}"))
    return found


def tables(examination: Examination) -> list[Table]:
    """How many pictures of which kind each split holds, and how much of each class."""
    content = examination.to_dict()
    parts = dict(content["splits"])
    if len(parts) > 1:
        parts["together"] = content["all"]
    pictures = plain_table("split", "pictures", "width", "height", "channels", "bits", "ignored")
    for name, seen in parts.items():
        counts = (_spread(seen["widths"]), _spread(seen["heights"]), str(seen["channels"]), str(seen["bit_depth"]))
        pictures.add_row(name, str(seen["images"]), *counts, f"{seen['ignored']:.1%}")
    classes = plain_table("class", "id", "pictures", "pixels")
    if content["all"]:
        seen, total = content["all"], max(1, sum(content["all"]["class_pixels"]))
        for entry, images, pixels in zip(content["classes"], seen["class_images"], seen["class_pixels"], strict=True):
            classes.add_row(entry["name"], str(entry["id"]), str(images), f"{pixels / total:.2%}")
    return [pictures, classes]


def _spread(values: Sequence[float]) -> str:
    low, _, high = values
    return f"{low}" if low == high else f"{low}–{high}"
