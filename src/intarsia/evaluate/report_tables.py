"""The two tables of the report: the scores of each class, and which class was taken for which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.evaluate import figures
from intarsia.types import LabelMap

_CLASS_SCORES = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall"}
_UNDEFINED = "–"
_DENSE = 14  # classes from which the confusion matrix is set small

# Both tables are described by a paragraph: a caption takes the table's own width, too narrow, or cut off on a phone.


def digits(value: float | None) -> str:
    """A figure in [0, 1] to three digits, or a dash when it is None or NaN."""
    return _UNDEFINED if value is None or math.isnan(value) else f"{value:.3f}"


def score(estimate: Mapping[str, Any] | None, label: str = "") -> str:
    """The value of an estimate and, after ``label``, its interval if it has one."""
    value, low, high = _bounds(estimate)
    interval = "" if math.isnan(low + high) else f' <span class="interval">{label}{low:.3f} – {high:.3f}</span>'
    return digits(value) + interval


def swatch(fill: Sequence[tuple[int, int, int]]) -> str:
    """A small square in the fill of a :class:`~intarsia.evaluate.figures.Key`."""
    colors = ["rgb({} {} {})".format(*color) for color in fill]
    background = "transparent"
    if len(colors) == 1:
        background = colors[0]
    elif colors:
        background = f"repeating-linear-gradient(135deg, {colors[0]} 0 2px, {colors[1]} 2px 4px)"
    return f'<span class="swatch" style="background:{background}"></span>'


def class_table(classes: Sequence[Mapping[str, Any]], label_map: LabelMap) -> str:
    """The scores of each class with their intervals, as figures and as bars.

    Args:
        classes: the ``classes`` of a summary's plain form.
        label_map: the colors of their ids.
    """
    fills = {i: key.fill for i, key in zip(label_map.ids, figures.class_keys(label_map), strict=True)}
    rows = "\n".join(
        f'<tr><th scope="row">{swatch(fills[entry["id"]])}{escape(str(entry["name"]))}</th>'
        + "".join(_score_cell(entry.get(key)) for key in _CLASS_SCORES)
        + f'<td class="number">{entry["support"]:,}</td></tr>'
        for entry in classes
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in _CLASS_SCORES.values())
    words = f"Bars run from 0 to 1: the band is the 95% interval, the tick the value. {_UNDEFINED} means undefined."
    return f"""<p class="faint" id="scores-words">{words}</p>
<div class="scroll"><table aria-describedby="scores-words">
<thead><tr><th scope="col">Class</th>{heads}<th scope="col" class="number">Pixels in truth</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>"""


def _score_cell(estimate: Mapping[str, Any] | None) -> str:
    return f'<td class="score">{score(estimate)}{_bar(estimate)}</td>'


def _bounds(estimate: Mapping[str, Any] | None) -> tuple[float, float, float]:
    """Value, low and high of an estimate, each NaN when undefined."""
    found = ((estimate or {}).get(key) for key in ("value", "low", "high"))
    value, low, high = (math.nan if number is None else float(number) for number in found)
    return value, low, high


def _bar(estimate: Mapping[str, Any] | None) -> str:
    """A bar from 0 to 1 with the interval as a band; it repeats the numbers beside it, so readers aloud skip it."""
    value, low, high = _bounds(estimate)
    if math.isnan(value):
        return ""
    low, high = (value, value) if math.isnan(low + high) else (low, high)
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="4" width="100" height="2"/>'
        f'<rect class="band" x="{100 * low:.2f}" y="2" width="{100 * (high - low):.2f}" height="6"/>'
        f'<rect class="tick" x="{100 * value - 0.6:.2f}" width="1.2" height="10"/></svg>'
    )


def confusion_table(confusion: Int64[np.ndarray, "truths predictions"], label_map: LabelMap) -> str:
    """The confusion matrix as a heat map normalized by row, its counts as tooltips.

    Args:
        confusion: pixel counts [K, K] or [K+1, K+1]; see :func:`intarsia.evaluate.report.render`.
        label_map: the K classes.
    """
    names = [*label_map.names, "ignored"]
    counts = confusion[: label_map.num_classes]
    columns = [j for j in range(counts.shape[1]) if j < label_map.num_classes or counts[:, j].any()]
    counts = counts[:, columns]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heads = "".join(f'<th scope="col"><span>{escape(names[j])}</span></th>' for j in columns)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(names[i])}</th>{_confusion_cells(i, counts[i], shares[i], names)}</tr>'
        for i in range(len(counts))
    )
    dense = " dense" if label_map.num_classes >= _DENSE else ""
    words = (
        "Rows are the truth, columns the prediction: of each true class's pixels, the percentage given to each class. "
        "Blank is below half a percent; hover for pixel counts."
    )
    return f"""<p class="faint" id="confusion-words">{words}</p>
<div class="scroll"><table class="confusion{dense}" aria-describedby="confusion-words">
<thead><tr><td></td>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>"""


def _confusion_cells(
    truth: int, counts: Int64[np.ndarray, "columns"], shares: Float64[np.ndarray, "columns"], names: Sequence[str]
) -> str:
    cells = []
    for column, (count, share) in enumerate(zip(counts.tolist(), shares.tolist(), strict=True)):
        kind = ("right " if column == truth else "") + ("strong" if share > 0.4 else "")
        hint = f"{names[truth]} taken for {names[column]}: {count:,} pixels ({share:.2%})"
        text = f"{100 * share:.0f}" if share >= 0.005 else ""
        # The root lifts a few percent of confusion, which matter, out of the paper's white.
        style = f"--heat:{math.sqrt(share):.2f}"
        cells.append(f'<td class="{kind.strip()}" style="{style}" title="{escape(hint)}">{text}</td>')
    return "".join(cells)
