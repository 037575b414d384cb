"""How numbers, intervals, colors and tables are written in the report's HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

UNDEFINED = "–"
_LONG = 24  # rows from which a table scrolls inside its own frame


def digits(value: float | None) -> str:
    """A figure to three digits, or a dash when it is None or NaN."""
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.3f}".replace("-", "−")


def percent(share: float | None) -> str:
    """A share as whole percents; what is above 0 and rounds to it is said to be less than 1%."""
    if share is None or math.isnan(share):
        return UNDEFINED
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: ``1 image``, ``2,000 images``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def bounds(estimate: Mapping[str, Any] | None) -> tuple[float, float, float]:
    """Value, low and high of an estimate's plain form, each NaN when undefined."""
    found = ((estimate or {}).get(key) for key in ("value", "low", "high"))
    value, low, high = (math.nan if number is None else float(number) for number in found)
    return value, low, high


def score(estimate: Mapping[str, Any] | None, label: str = "") -> str:
    """The value of an estimate and, after ``label`` (HTML), its interval if it has one, as HTML."""
    value, low, high = bounds(estimate)
    interval = "" if math.isnan(low + high) else f"{label}{digits(low)} – {digits(high)}"
    return digits(value) + (f' <span class="interval">{interval}</span>' if interval else "")


def bar(estimate: Mapping[str, Any] | None) -> str:
    """A bar from 0 to 1 with the interval as a band; it repeats the numbers beside it, so readers aloud skip it."""
    value, low, high = bounds(estimate)
    if math.isnan(value) or min(value, low) < 0:  # κ may be
        return ""
    low, high = (value, value) if math.isnan(low + high) else (low, high)
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="4" width="100" height="2"/>'
        f'<rect class="band" x="{100 * low:.2f}" y="2" width="{100 * (high - low):.2f}" height="6"/>'
        f'<rect class="tick" x="{100 * value - 0.6:.2f}" width="1.2" height="10"/></svg>'
    )


def score_cell(estimate: Mapping[str, Any] | None) -> str:
    """A table cell with a score, its interval and its bar."""
    return f'<td class="score">{score(estimate)}{bar(estimate)}</td>'


def swatch(fill: Sequence[tuple[int, int, int]]) -> str:
    """A small square in the fill of a :class:`~intarsia.evaluate.figures.Key`."""
    colors = ["rgb({} {} {})".format(*color) for color in fill]
    background = "transparent"
    if len(colors) == 1:
        background = colors[0]
    elif colors:
        background = f"repeating-linear-gradient(135deg, {colors[0]} 0 2px, {colors[1]} 2px 4px)"
    return f'<span class="swatch" style="background:{background}"></span>'


def table(label: str, head: str, rows: Iterable[str], *, kind: str = "", words: str = "") -> str:
    """A table that scrolls inside its own frame, by keyboard too, under a paragraph that explains it.

    Args:
        label: what the table is called when read aloud.
        head: the rows of its head, as HTML.
        rows: the rows of its body, as HTML.
        kind: its CSS classes.
        words: the paragraph, as HTML. It is no caption: that would take the table's own width, cut off on a phone.
    """
    paragraph = f'<p class="faint">{words}</p>\n' if words else ""
    body = list(rows)
    long = " long" if len(body) > _LONG else ""
    joined = "\n".join(body)
    frame = f'<div class="scroll{long}" tabindex="0" role="region" aria-label="{escape(label)}">'
    return f"""{paragraph}{frame}<table class="{kind}">
<thead>{head}</thead>
<tbody>
{joined}
</tbody>
</table></div>"""


def row_head(name: object, mark: str = "") -> str:
    """The cell that names a row, after a swatch if given."""
    text = escape(str(name))
    return (
        f'<th scope="row"><div class="named">{mark}<span>{text}</span></div></th>'
        if mark
        else (f'<th scope="row">{text}</th>')
    )


def cards(entries: Iterable[tuple[str, Mapping[str, Any] | None]]) -> str:
    """Figures in large type with their intervals, from (name as HTML, estimate)."""
    filled = "".join(
        f"<div><dt>{name}</dt><dd>{score(estimate, '95% interval <wbr>')}</dd></div>\n" for name, estimate in entries
    )
    return f'<dl class="cards">\n{filled}</dl>'
