"""``intarsia compare``: is B better than A, or is it chance?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Json, console, plain_table, print_json, show_warnings
from intarsia.errors import DataError

if TYPE_CHECKING:
    from rich.table import Table

    from intarsia.evaluate.comparison.result import Comparison, Difference
    from intarsia.evaluate.comparison.seeds import RunsFigure, RunsSummary
    from intarsia.evaluate.saved import SavedEvaluation

_HELP = "A metrics.json, its folder, or a folder of several such folders: the runs of one method."


def run(
    a: Annotated[Path, typer.Argument(metavar="A", help=_HELP)],
    b: Annotated[
        Path | None, typer.Argument(metavar="B", help="The same for the other method; without it, the runs of A.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two models on the same pictures, class by class: how much better is B, and could it be chance?"""
    from intarsia.evaluate.comparison.paired import compare
    from intarsia.evaluate.comparison.seeds import summarize_runs
    from intarsia.evaluate.comparison.verdict import notes, runs_verdict, verdict

    of_a = _read(a)
    if b is None:
        if len(of_a) < 2:
            raise DataError(
                "is a single evaluation, and there is none to compare it with",
                where=a,
                remedy="Name a second one: `intarsia compare A B`",
            )
        summary = summarize_runs(of_a)
        line, doubts = runs_verdict(summary), _doubts({"the runs": of_a})
        if as_json:
            print_json({"warnings": doubts, "verdict": line, **summary.to_dict()})
        else:
            show_warnings(doubts)
            _show_runs(summary, line)
        return
    of_b = _read(b)
    comparison = compare(of_a, of_b)
    line, remarks, doubts = verdict(comparison), notes(comparison), _doubts({"A": of_a, "B": of_b})
    if as_json:
        print_json({"warnings": doubts, "verdict": line, "notes": remarks, **comparison.to_dict()})
    else:
        show_warnings(doubts)
        _show(comparison, line, remarks)


def _doubts(sides: Mapping[str, Sequence[SavedEvaluation]]) -> list[str]:
    """The warnings that came with the evaluations, each once a side."""
    return [
        f"of {side}: {warning}"
        for side, runs in sides.items()
        for warning in dict.fromkeys(warning for run in runs for warning in run.warnings)
    ]


def _read(path: Path) -> list[SavedEvaluation]:
    from intarsia.evaluate.saved import find_evaluations, read_evaluation

    return [read_evaluation(file) for file in find_evaluations(path)]


def _show(comparison: Comparison, line: str, remarks: list[str]) -> None:
    from intarsia.evaluate.comparison.verdict import signed

    screen = console()
    screen.print(line, style="bold")
    for name, files in zip("AB", comparison.sources, strict=True):
        screen.print(f"{name}: {', '.join(files)}")
    if comparison.identical:
        return
    screen.print()
    screen.print(_differences(comparison))
    screen.print()
    effect = comparison.effect
    pictures = effect.better + effect.worse + effect.equal
    screen.print(
        f"picture by picture, B's mean IoU is higher on {effect.better} of {pictures}, lower on {effect.worse},"
        f" equal on {effect.equal}; paired Cohen's d over groups: {signed(effect.cohens_d / 100, 2)}"
    )
    for remark in remarks:
        screen.print(f"note: {remark}")
    of = comparison.conventions
    screen.print("in points, 100 × the figure, from the pixels of all images together")
    screen.print(f"void: {of['void'].partition(':')[0]}")
    screen.print(f"intervals: {of['interval']}")
    screen.print(f"p: {of['p']}; p Holm: corrected for {len(comparison.classes)} classes")


def _differences(comparison: Comparison) -> Table:
    table = plain_table("IoU", "A", "B", "B − A", "95% interval", "p", "p Holm", "")
    for entry in comparison.classes:
        table.add_row(entry.name, *_cells(entry.iou, corrected=True))
    table.add_row("mean IoU", *_cells(comparison.mean_iou), style="bold")
    table.add_row("mean Dice", *_cells(comparison.mean_dice), style="bold")
    return table


def _cells(of: Difference, corrected: bool = False) -> list[str]:
    from intarsia.evaluate.comparison.verdict import points, probability, signed

    mark = ("better" if of.value > 0 else "worse") if of.shown else ""
    interval = "–" if of.low != of.low else f"{signed(of.low)} to {signed(of.high)}"
    tests = [probability(of.p), probability(of.p_holm) if corrected else ""]
    return [points(of.a), points(of.b), signed(of.value), interval, *tests, mark]


def _show_runs(summary: RunsSummary, line: str) -> None:
    screen = console()
    screen.print(line, style="bold")
    screen.print(f"runs: {', '.join(summary.sources)}\n")
    table = plain_table("IoU", "mean", "deviation", "range", "95%: pictures", "95%: pictures, runs")
    for _, name, of_iou, _ in summary.classes:
        table.add_row(name, *_runs_cells(of_iou))
    table.add_row("mean IoU", *_runs_cells(summary.mean_iou), style="bold")
    table.add_row("mean Dice", *_runs_cells(summary.mean_dice), style="bold")
    screen.print(table)
    screen.print(f"\nin points, 100 × the figure, from the pixels of all {summary.images} images of each run")


def _runs_cells(of: RunsFigure) -> list[str]:
    from intarsia.evaluate.comparison.verdict import points

    values = of.spread.values
    spans = ((min(values), max(values)), (of.low_pictures, of.high_pictures), (of.low, of.high))
    return [
        points(of.spread.mean),
        points(of.spread.deviation, 2),
        *("–" if low != low else f"{points(low)} to {points(high)}" for low, high in spans),
    ]
