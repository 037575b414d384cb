"""How the command line speaks: people read tables on a terminal, programs read JSON on standard output."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on standard output.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps; auto is a GPU where there is one.")]


def console(to_stderr: bool = False) -> Console:
    """A console on standard output, or on standard error when standard output carries JSON."""
    # No markup: a file called "[red].png" is a file, not a color.
    return Console(stderr=to_stderr, highlight=False, soft_wrap=True, markup=False)


def print_json(content: Mapping[str, Any]) -> None:
    """Print JSON on standard output."""
    json.dump(content, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a ``(done, total)`` callback that draws a bar on standard error, if that is a terminal."""
    screen = console(to_stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Say on standard error what takes its time, if that is a terminal."""
    screen = console(to_stderr=True)
    with screen.status(what) if screen.is_terminal else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def download_bar() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """Give a callback for lines, printed on standard error, and one for ``(done, total)`` bytes, drawn below them.

    The bar appears with the first line, so that nothing flickers where nothing is downloaded.
    """
    screen = console(to_stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None, visible=False)

        def report(line: str) -> None:
            screen.print(line)
            bar.reset(task, total=None, visible=True)

        yield report, lambda done, total: bar.update(task, completed=done, total=total)


def show_warnings(warnings: Sequence[str]) -> None:
    """Print what makes figures worth less than they seem, loudly and before them."""
    for warning in warnings:
        console().print(f"WARNING: {warning}", style="bold red")


def plain_table(*columns: str) -> Table:
    """A table without lines; the first column is text, the others are figures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    return table


def score_table(summary: Mapping[str, Any]) -> Table:
    """Per-class IoU and Dice with their intervals, as people expect to read them."""
    table = plain_table("class", "IoU", "Dice", "precision", "recall")
    for row in summary["classes"]:
        figures = (number(row[key]["value"]) for key in ("precision", "recall"))
        table.add_row(row["name"], with_interval(row["iou"]), with_interval(row["dice"]), *figures)
    means = (with_interval(summary["overall"][f"mean_{key}_dataset"]) for key in ("iou", "dice"))
    table.add_row("mean", *means, style="bold")
    return table


def with_interval(figure: Mapping[str, float | None]) -> str:
    """``0.953 (0.941–0.962)``, or a dash when the figure is undefined."""
    if figure["low"] is None or figure["high"] is None:
        return number(figure["value"])
    return f"{number(figure['value'])} ({number(figure['low'])}–{number(figure['high'])})"


def number(value: float | None) -> str:
    """Three decimals, or a dash for what is undefined."""
    return "–" if value is None else f"{value:.3f}"
