"""The two tables of the report: the scores of each class, and which class was taken for which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.evaluate import figures
from intarsia.evaluate.report import wording
from intarsia.evaluate.report.text import UNDEFINED, row_head, score_cell, swatch, table
from intarsia.types import LabelMap

_DENSE, _CROWDED = 14, 60  # classes from which the confusion matrix is set small, and without its percentages on paper


def swatches(label_map: LabelMap) -> dict[int, str]:
    """The square in the color of each class, by its id."""
    keys = zip(label_map.ids, figures.class_keys(label_map), strict=True)
    return {class_id: swatch(key.fill) for class_id, key in keys}


def class_table(summary: Mapping[str, Any], label_map: LabelMap) -> str:
    """The scores of each class with their intervals, as figures and as bars.

    Args:
        summary: the plain form of a summary.
        label_map: the colors of its classes.
    """
    marks, scores = swatches(label_map), wording.of_classes(summary)
    rows = (
        f"<tr>{row_head(entry['name'], marks[entry['id']])}"
        + "".join(score_cell(entry.get(key)) for key in scores)
        + f'<td class="number">{entry["support"]:,}</td></tr>'
        for entry in summary["classes"]
    )
    heads = "".join(
        f'<th scope="col"><a href="#meaning-{key}" title="{escape(figure.meaning)}">{figure.name}</a></th>'
        for key, figure in scores.items()
    )
    head = f'<tr><th scope="col">Class</th>{heads}<th scope="col" class="number">Pixels in truth</th></tr>'
    void, _ = wording.void_convention(summary)
    words = f"Bars run from 0 to 1: the band is the 95% interval, the tick the value. {UNDEFINED} means undefined."
    return table("Scores of each class", head, rows, words=words + (f" Void: {escape(void)}." if void else ""))


def confusion_table(confusion: Int64[np.ndarray, "truths predictions"], label_map: LabelMap) -> str:
    """The confusion matrix as a heat map normalized by row, its counts as tooltips.

    Args:
        confusion: pixel counts [K, K] or [K+1, K+1]; see :func:`intarsia.evaluate.report.page.render`.
        label_map: the K classes.
    """
    names = [*label_map.names, "ignored"]
    counts = confusion[: label_map.num_classes]
    columns = [j for j in range(counts.shape[1]) if j < label_map.num_classes or counts[:, j].any()]
    counts = counts[:, columns]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heads = "".join(f'<th scope="col"><span>{escape(names[j])}</span></th>' for j in columns)
    rows = (
        f"<tr>{row_head(names[i])}{_confusion_cells(i, counts[i], shares[i], names)}</tr>" for i in range(len(counts))
    )
    kind = "confusion" + " dense" * (len(columns) >= _DENSE) + " crowded" * (len(columns) >= _CROWDED)
    words = (
        "Rows are the truth, columns the prediction: of each true class's pixels, the percentage given to each class. "
        "Blank is below half a percent; hover for pixel counts."
    )
    page = table("Confusion matrix", f"<tr><td></td>{heads}</tr>", rows, kind=kind, words=words)
    return f'<div style="--columns:{len(columns)}">{page}</div>'


def _confusion_cells(
    truth: int, counts: Int64[np.ndarray, "columns"], shares: Float64[np.ndarray, "columns"], names: Sequence[str]
) -> str:
    cells = []
    for column, (count, share) in enumerate(zip(counts.tolist(), shares.tolist(), strict=True)):
        right = ' class="right"' if column == truth else ""
        if not count:  # most cells of many classes: they weigh nothing
            cells.append(f"<td{right}></td>")
            continue
        hint = f"{names[truth]} taken for {names[column]}: {count:,} pixels ({share:.2%})"
        text = f"{100 * share:.0f}" if share >= 0.005 else ""
        # The root lifts a few percent of confusion, which matter, out of the paper's white.
        style = f"--heat:{math.sqrt(share):.2f}"
        cells.append(f'<td{right} style="{style}" title="{escape(hint)}">{text}</td>')
    return "".join(cells)
