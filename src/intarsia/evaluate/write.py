"""An evaluation on disk: figures for programs, a report and a contact sheet for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intarsia.evaluate.figures import Example, contact_sheet, png_bytes
from intarsia.evaluate.report import render
from intarsia.evaluate.summary import Summary
from intarsia.files import write_bytes, write_text
from intarsia.metrics import ScoreTable

METRICS, REPORT, SHEET = "metrics.json", "report.html", "contact-sheet.png"
"""The files an evaluation leaves."""


@dataclass(frozen=True)
class Shown:
    """Pictures to show: the lowest scores, worst first, and the highest, best first."""

    worst: Sequence[Example] = ()
    best: Sequence[Example] = ()


def ranked(summary: Summary, each: int = 4) -> tuple[list[str], list[str]]:
    """The names of the worst and of the best pictures, ``each`` of either, none in both."""
    names = [score.name for score in summary.per_image if score.mean_iou == score.mean_iou]
    best = names[::-1][: min(each, len(names) // 2)]
    return [name for name in names[:each] if name not in best], best


def write_evaluation(
    folder: Path,
    summary: Summary,
    table: ScoreTable,
    shown: Shown,
    *,
    title: str,
    details: Mapping[str, str],
    curves: Sequence[Mapping[str, float]] = (),
) -> list[Path]:
    """Write ``metrics.json``, ``report.html`` and, with pictures to show, ``contact-sheet.png``.

    Returns:
        The files written.

    Raises:
        OutputError: a file cannot be written.
    """
    content = {**summary.to_dict(), "details": dict(details), "table": table.to_dict()}
    write_text(folder / METRICS, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    page = render(
        summary.to_dict(),
        title=title,
        label_map=table.label_map,
        confusion=table.dataset,
        examples_worst=shown.worst,
        examples_best=shown.best,
        curves=curves,
        details=details,
    )
    write_text(folder / REPORT, page)
    written = [folder / METRICS, folder / REPORT]
    if shown.worst or shown.best:
        sheet = contact_sheet([*shown.best, *reversed(shown.worst)], table.label_map)
        write_bytes(folder / SHEET, png_bytes(sheet))
        written.append(folder / SHEET)
    return written
