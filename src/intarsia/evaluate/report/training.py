"""How training went, in the report: loss and validation score over the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from intarsia.evaluate.report.charts import WIDTH, Axes, Frame, Line, chart, lines, nice_ticks
from intarsia.evaluate.report.text import digits

_CURVES = {"loss": ("Training loss", "loss"), "val_mean_iou": ("Validation mean IoU", "mean IoU")}


def training_curves(rows: Sequence[Mapping[str, int | float]]) -> str:
    """The curves of a training run, or nothing without rows.

    Args:
        rows: in order of time, each with ``step`` and any of ``loss`` and ``val_mean_iou``; missing and non-finite
            values are skipped, other keys are not drawn.
    """
    if not rows:
        return ""
    charts = "\n".join(_curve(rows, key) for key in _CURVES)
    return f'<div class="charts">\n{charts}\n</div>'


def _curve(rows: Sequence[Mapping[str, int | float]], key: str) -> str:
    title, y_name = _CURVES[key]
    points = [(float(row["step"]), float(row[key])) for row in rows if "step" in row and key in row]
    points = [point for point in points if math.isfinite(sum(point))]
    if not points:
        return f'<figure><figcaption>{title}</figcaption><p class="faint">not recorded</p></figure>'
    steps, values = zip(*points, strict=True)
    x_ticks = nice_ticks(min(steps), max(steps), about=4)
    y_ticks = nice_ticks(min(0.0, *values) if key == "loss" else min(values), max(values))
    frame = Frame(WIDTH - 24.0, (x_ticks[0][0], x_ticks[-1][0]), (y_ticks[0][0], y_ticks[-1][0]))
    words, best = f"{title}: {digits(values[-1])} at the last step, {steps[-1]:,.0f}", ""
    if key == "val_mean_iou":
        step, top = max(points, key=lambda point: (point[1], -point[0]))
        title = f"{title} (best {digits(top)} at step {step:,.0f})"
        words += f"; best {digits(top)} at step {step:,.0f}"
        best = f'<path class="mark" d="M{frame.left:.1f} {frame.y(top):.1f}H{frame.right:.1f}"/>'
    drawn = lines(frame, [Line(points, f"main {'warm' if key == 'loss' else ''}", words, marks=len(points) <= 60)])
    svg = chart(f"training-{key}", title, words, frame, Axes(x_ticks, y_ticks, "step", y_name), best + drawn)
    return f"<figure><figcaption>{title}</figcaption>\n{svg}</figure>"
