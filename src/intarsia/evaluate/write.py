"""An evaluation on disk: figures for programs, a report and a contact sheet for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from intarsia.evaluate.figures import Example, contact_sheet, png_bytes
from intarsia.evaluate.report import render
from intarsia.evaluate.saved import METRICS
from intarsia.evaluate.summary import Summary
from intarsia.files import write_bytes, write_text
from intarsia.metrics import ScoreTable, Void, class_counts, iou
from intarsia.metrics.counts import total

_CLASSES_SHOWN, _EACH_CLASS = 20, 2

REPORT, SHEET = "report.html", "contact-sheet.png"
"""What an evaluation leaves beside its figures."""


@dataclass(frozen=True)
class Shown:
    """Pictures to show: the lowest scores, worst first, the highest, best first, and the worst of classes, by id."""

    worst: Sequence[Example] = ()
    best: Sequence[Example] = ()
    by_class: Mapping[int, Sequence[Example]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """The names of pictures worth showing; see :class:`Shown`."""

    worst: Sequence[str]
    best: Sequence[str]
    by_class: Mapping[int, Sequence[str]]

    def shown(self, examples: Callable[[Sequence[str]], Iterable[Example]]) -> Shown:
        """Turn names into pictures, each once: ``examples`` gives those of the names it is called with, in order."""
        names = list(
            dict.fromkeys([*self.worst, *self.best, *(name for few in self.by_class.values() for name in few)])
        )
        pictures = dict(zip(names, examples(names), strict=True))
        return Shown(
            [pictures[name] for name in self.worst],
            [pictures[name] for name in self.best],
            {i: [pictures[name] for name in few] for i, few in self.by_class.items()},
        )


def ranked(summary: Summary, table: ScoreTable, void: Void = "exclude", each: int = 4) -> Ranking:
    """The worst and the best pictures, ``each`` of either, none in both; and two of the worst of each class.

    Of many classes, only those with the lowest IoU are shown, so that a report stays small.
    """
    names = [score.name for score in summary.per_image if score.mean_iou == score.mean_iou]
    best = names[::-1][: min(each, len(names) // 2)]
    worst = [name for name in names[:each] if name not in best]
    counts = class_counts(table.confusion, void)
    scores, pooled = iou(counts), iou(total(counts))
    by_class: dict[int, Sequence[str]] = {}
    for k in np.argsort(pooled)[:_CLASSES_SHOWN]:  # undefined ones come last
        wrong = counts.true[:, k] + counts.predicted[:, k] - 2 * counts.hits[:, k]
        # Of equal scores, above all of 0, the picture that costs the most pixels tells the most.
        order = [i for i in np.lexsort((-wrong, scores[:, k]))[:_EACH_CLASS] if scores[i, k] < 1]
        if order:
            by_class[table.label_map.ids[k]] = [table.names[i] for i in order]
    return Ranking(worst, best, by_class)


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
        examples_by_class=shown.by_class,
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
