"""``intarsia score``: mask files of any origin against the truth, counted as ``intarsia evaluate`` counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intarsia.apps.cli.console import Json, print_json, progress_bar
from intarsia.apps.cli.doctor import Classes


def run(
    predicted: Annotated[Path, typer.Argument(help="A mask file, or a folder of masks.")],
    truth: Annotated[Path, typer.Argument(help="The true mask, or a folder of masks with the same names.")],
    classes: Classes = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write metrics.json and report.html there.")] = None,
    as_json: Json = False,
) -> None:
    """Score masks that any program made: pixel values are class ids, names pair the files."""
    from intarsia.apps.cli.evaluate import show
    from intarsia.data.formats.classes import infer_classes, read_classes
    from intarsia.evaluate.runner import pair_masks, score_files
    from intarsia.evaluate.summary import summarize
    from intarsia.evaluate.write import Shown, write_evaluation

    pairs = pair_masks(predicted, truth)
    beside = (truth if truth.is_dir() else truth.parent).parent / "classes.yaml"
    if classes is not None or beside.is_file():
        label_map = read_classes(classes or beside)
    else:
        label_map, note = infer_classes([path for _, path in pairs], truth)
        typer.echo(f"note: {note}", err=True)
    with progress_bar("scoring") as progress:
        table = score_files(pairs, label_map, progress)
    summary = summarize(table)
    written = []
    if out is not None:
        details = {"predicted": str(predicted), "truth": str(truth)}
        written = write_evaluation(out, summary, table, Shown(), title=f"{predicted} against {truth}", details=details)
    if as_json:
        print_json(summary.to_dict())
    else:
        show(summary, written)
