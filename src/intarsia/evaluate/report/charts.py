"""Line charts as inline SVG: every color is given by a CSS class, so that a chart follows the page's theme.

Text is laid out here, before any browser knows its width, with a generous width for each letter; labels that would
meet are wrapped, moved apart or thinned out, never drawn over each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

WIDTH = 420
"""Units across a chart, of which its text is 12 high: in a column of a phone's width it is still 10 pixels."""

_LETTER, _LINE = 6.9, 14.0
_TOP, _PLOT = 26.0, 210.0
_POINTS = 400  # along one line: more cannot be told apart

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Frame:
    """The plot area of a chart, in its units, and the values at the edges.

    Args:
        right: where it ends; to the right is room for labels, to the left always the same room.
        x_range: the values at its left and right edge.
        y_range: the values at its lower and upper edge.
    """

    right: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    left: float = 44.0
    top: float = _TOP
    bottom: float = _TOP + _PLOT

    def x(self, value: float) -> float:
        """Where a value lies across."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where a value lies down."""
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Args:
        points: (x, y) values; where y is NaN the line is interrupted.
        kind: its CSS class.
        hint: what a pointer over it is told.
        marks: whether each point is also drawn as a dot.
    """

    points: Points
    kind: str
    hint: str
    marks: bool = False


@dataclass(frozen=True)
class Axes:
    """What is written along a frame: ticks as (value, text), and a name for each axis."""

    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    x_name: str
    y_name: str


def nice_ticks(low: float, high: float, about: int = 5) -> list[tuple[float, str]]:
    """Round values from ``low`` or below to ``high`` or above, a step of 1, 2 or 5 times a power of ten apart."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if span / (power * factor) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    values = [round(k * step, 12) for k in range(first, max(last, first + 1) + 1)]
    return [(value, f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}".replace("-", "−")) for value in values]


def category_ticks(labels: Sequence[str]) -> list[tuple[float, str]]:
    """One tick for each label, the first in the middle of [0, 1], the next of [1, 2] and so on."""
    return [(index + 0.5, label) for index, label in enumerate(labels)]


def chart(name: str, title: str, description: str, frame: Frame, axes: Axes, content: str) -> str:
    """A whole chart.

    Args:
        name: an identifier that no other chart of the page has.
        title: what it shows.
        description: what a reader who does not see it should know.
        frame: its plot area.
        axes: what is written along it.
        content: its inside, as SVG.
    """
    drawn, below = _axes(frame, axes)
    height = math.ceil(frame.bottom + below + 8)
    return f"""<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-words">
<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(description)}</desc>
{drawn}
{content}
</svg>"""


def path(frame: Frame, points: Points) -> str:
    """The ``d`` of a path through the points, interrupted where they are not finite."""
    steps, move = [], "M"
    for x, y in _thinned(points):
        if math.isfinite(x + y):
            steps.append(f"{move}{frame.x(x):.1f} {frame.y(y):.1f}")
            move = "L"
        else:
            move = "M"
    return "".join(steps)


def lines(frame: Frame, drawn: Iterable[Line]) -> str:
    """Lines with what a pointer over them is told; a line of a single point is a dot."""
    return "\n".join(_line(frame, line) for line in drawn)


def band(frame: Frame, points: Sequence[tuple[float, float, float]]) -> str:
    """The area between (x, low, high), interrupted where either is NaN."""
    areas, run = [], list[tuple[float, float, float]]()
    for point in [*points, (math.nan,) * 3]:
        if all(map(math.isfinite, point)):
            run.append(point)
        elif run:
            edge = [(x, high) for x, _, high in run] + [(x, low) for x, low, _ in reversed(run)]
            areas.append(f'<path class="band" d="{path(frame, edge)}Z"/>')
            run = []
    return "".join(areas)


def end_labels(frame: Frame, entries: Sequence[tuple[float, str, str]]) -> str:
    """Names at the right of the lines they belong to, moved apart until none covers another.

    Args:
        frame: the plot area; the labels stand to its right, each led to from its line's end.
        entries: (y value at the line's end, name, CSS class), the most important first: what finds no room is left out.
    """
    room = int((frame.bottom - frame.top + _LINE) // _LINE)
    kept = sorted((frame.y(value), name, kind) for value, name, kind in entries[:room] if math.isfinite(value))
    heights = spread([height for height, _, _ in kept], _LINE, frame.top, frame.bottom)
    left, letters = frame.right + 18, int((WIDTH - frame.right - 18) / _LETTER)
    return "".join(
        f'<path class="lead" d="M{frame.right + 3:.0f} {at:.1f}L{left - 3:.0f} {height:.1f}"/>'
        f'<text class="{kind}" x="{left:.0f}" y="{height + 4:.1f}">{escape(shortened(name, letters))}</text>'
        for height, (at, name, kind) in zip(heights, kept, strict=True)
    )


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending positions as little as needed to lie ``gap`` apart and within [low, high], if that has room."""
    moved = list(positions)
    for index, position in enumerate(moved):
        moved[index] = max(position, moved[index - 1] + gap if index else low)
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], moved[index + 1] - gap if index + 1 < len(moved) else high)
    return moved


def shortened(text: str, letters: int) -> str:
    """A text of at most that many letters, its cut end marked."""
    return text if len(text) <= letters else text[: max(1, letters - 1)].rstrip() + "…"


def _line(frame: Frame, line: Line) -> str:
    d = path(frame, line.points)
    finite = [(x, y) for x, y in line.points if math.isfinite(x + y)]
    dots = finite if line.marks or len(finite) == 1 else []
    circles = "".join(f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3.5"/>' for x, y in dots)
    hint = f"<title>{escape(line.hint)}</title>"
    return f'<g class="line {line.kind}">{hint}<path class="reach" d="{d}"/><path d="{d}"/>{circles}</g>' if d else ""


def _thinned(points: Points) -> Points:
    step = math.ceil(len(points) / _POINTS)
    # The last point is where a reader looks.
    return points if step <= 1 else [*points[:-1:step], points[-1]]


def _axes(frame: Frame, axes: Axes) -> tuple[str, float]:
    """Grid, ticks and names, and how far below the frame they reach."""
    parts = [f'<text x="2" y="12">{escape(axes.y_name)}</text>']
    for value, text in axes.y_ticks:
        y = frame.y(value)
        parts.append(f'<path class="grid" d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}"/>')
        parts.append(f'<text class="y" x="{frame.left - 6:.1f}" y="{y + 4:.1f}">{escape(text)}</text>')
    most = 1
    for value, rows in _without_collisions(frame, axes.x_ticks):
        most = max(most, len(rows))
        x = frame.x(value)
        spans = "".join(f'<tspan x="{x:.1f}" dy="{_LINE:.0f}">{escape(row)}</tspan>' for row in rows)
        parts.append(f'<path class="grid" d="M{x:.1f} {frame.bottom:.1f}v4"/>')
        parts.append(f'<text class="x" y="{frame.bottom + 4:.1f}">{spans}</text>')
    below = 4 + _LINE * most + 4 + _LINE
    middle = (frame.left + frame.right) / 2
    parts.append(f'<text class="x" x="{middle:.1f}" y="{frame.bottom + below:.1f}">{escape(axes.x_name)}</text>')
    return "\n".join(parts), below


def _without_collisions(frame: Frame, ticks: Sequence[tuple[float, str]]) -> list[tuple[float, list[str]]]:
    """The ticks across with their texts in lines, as many of them as leave a gap between any two."""
    slot = (frame.right - frame.left) / max(1, len(ticks))
    for every in range(1, len(ticks) + 1):
        fitting = int(slot * every / _LETTER) - 1
        kept = [(value, _wrapped(text, fitting)) for value, text in ticks[::every]]
        halves = [max(map(len, rows)) * _LETTER / 2 for _, rows in kept]
        places = [frame.x(value) for value, _ in kept]
        if all(
            after - before >= left + right + _LETTER / 2
            for before, after, left, right in zip(places, places[1:], halves, halves[1:], strict=False)
        ):
            return kept
    return []


def _wrapped(text: str, letters: int) -> list[str]:
    """A text in lines of that many letters, or of its longest word."""
    return wrap(text, max(1, letters, *map(len, text.split())), break_on_hyphens=False) or [""]
