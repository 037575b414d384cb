"""How well borders are met, in the report: Boundary F1, Boundary IoU and the IoU near the borders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from intarsia.evaluate.report import text
from intarsia.evaluate.report.charts import (
    Axes,
    Frame,
    Line,
    band,
    category_ticks,
    chart,
    end_labels,
    lines,
    nice_ticks,
)

_NAMED = 10  # so many classes are all named beside their lines; of more only the worst and the best
_RIGHT = 300.0


def boundary_section(boundary: Mapping[str, Any] | None, marks: Mapping[int, str]) -> str:
    """Two curves and a table a class, or nothing without figures.

    Args:
        boundary: what :func:`intarsia.evaluate.boundaries.boundary_section` gives.
        marks: the swatch of each class by its id.
    """
    if not boundary:
        return ""
    overall, classes = boundary.get("overall", {}), boundary.get("classes", ())
    tolerances = [str(tolerance) for tolerance in boundary.get("tolerances", ())]
    widths = [f"{width} px" for width in boundary.get("widths", ())]
    mean_f1, mean_trimap = overall.get("mean_boundary_f1", ()), overall.get("mean_trimap_iou", ())
    named = [(f"Mean Boundary F1, {escape(at)}", of) for at, of in zip(tolerances, mean_f1, strict=False)]
    named.append(("Mean Boundary IoU", overall.get("mean_boundary_iou")))
    cards = text.cards((name, of) for name, of in named if of)
    of_f1, of_trimap = (
        {str(entry["name"]): _values(entry.get(key, ())) for entry in classes} for key in ("boundary_f1", "trimap_iou")
    )
    # Where a share of the diagonal lies among pixels depends on the picture: it is in the cards and the table alone.
    plain = [k for k, tolerance in enumerate(tolerances) if "%" not in tolerance]
    curves = (
        _curves(
            "boundary-f1",
            ("Boundary F1", "tolerance"),
            [tolerances[k] for k in plain],
            [mean_f1[k] for k in plain if k < len(mean_f1)],
            {name: [values[k] for k in plain if k < len(values)] for name, values in of_f1.items()},
        ),
        _curves("trimap", ("IoU near the borders", "distance from the true border"), widths, mean_trimap, of_trimap),
    )
    convention = str(boundary.get("convention") or "")
    return "\n".join(
        part
        for part in (
            f'<p class="convention">{escape(convention)}</p>' if convention else "",
            cards,
            f'<div class="charts">\n{"".join(curves)}\n</div>' if any(curves) else "",
            _table(tolerances, widths, classes, marks) if classes else "",
        )
        if part
    )


def _curves(
    name: str,
    names: tuple[str, str],
    labels: Sequence[str],
    mean: Sequence[Mapping[str, Any]],
    of_classes: Mapping[str, Sequence[float]],
) -> str:
    """A chart of one line a class and the mean with its interval, over labels that are evenly spaced."""
    if not labels or not mean:
        return ""
    title, x_name = names
    estimates = [text.bounds(estimate) for estimate in mean]
    middle = [(k + 0.5, value) for k, (value, _, _) in enumerate(estimates)]
    frame = Frame(_RIGHT, (0.0, float(len(labels))), (0.0, 1.0))
    drawn = [
        Line([(k + 0.5, value) for k, value in enumerate(values)], "class", _hint(of_class, labels, values))
        for of_class, values in of_classes.items()
    ]
    weight = min(0.65, max(0.12, 12 / max(1, len(drawn))))  # a hundred lines are a shade, not a block
    content = (
        f'<g style="--weight:{weight:.2f}">{lines(frame, drawn)}</g>\n'
        + band(frame, [(k + 0.5, low, high) for k, (_, low, high) in enumerate(estimates)])
        + lines(frame, [Line(middle, "main", _hint("Mean", labels, [of[0] for of in estimates]), marks=True)])
        + end_labels(frame, [(estimates[-1][0], "Mean", "strong"), *_named(of_classes)])
    )
    axes = Axes(category_ticks(labels), nice_ticks(0.0, 1.0), x_name, title)
    words = _hint(f"{title}, mean over classes", labels, [value for value, _, _ in estimates])
    svg = chart(name, f"{title} over {x_name}", words, frame, axes, content)
    return f"<figure><figcaption>{title} over {x_name}</figcaption>\n{svg}</figure>"


def _named(of_classes: Mapping[str, Sequence[float]]) -> list[tuple[float, str, str]]:
    """The labels at the ends of the classes' lines."""
    ends = [(values[-1], name, "") for name, values in of_classes.items() if values and math.isfinite(values[-1])]
    ends.sort()
    return ends if len(ends) <= _NAMED else [*ends[:3], *ends[-2:]]


def _hint(name: str, labels: Sequence[str], values: Sequence[float]) -> str:
    found = ", ".join(f"{text.digits(value)} at {label}" for label, value in zip(labels, values, strict=False))
    return f"{name}: {found}"


def _table(
    tolerances: Sequence[str], widths: Sequence[str], classes: Sequence[Mapping[str, Any]], marks: Mapping[int, str]
) -> str:
    groups = (("Boundary F1 within", len(tolerances)), ("Trimap IoU within", len(widths)))
    f1, trimap = (f'<th colspan="{span}" scope="colgroup">{name}</th>' if span else "" for name, span in groups)
    ats, withins = ("".join(f'<th scope="col">{escape(of)}</th>' for of in names) for names in (tolerances, widths))
    head = f"""<tr><th rowspan="2" scope="col">Class</th>{f1}<th rowspan="2" scope="col">Boundary IoU</th>{trimap}</tr>
<tr class="second">{ats}{withins}</tr>"""
    rows = (
        f"<tr>{text.row_head(entry['name'], marks.get(entry['id'], ''))}"
        + "".join(map(text.score_cell, entry.get("boundary_f1", ())))
        + text.score_cell(entry.get("boundary_iou"))
        + "".join(f'<td class="number">{text.digits(value)}</td>' for value in _values(entry.get("trimap_iou", ())))
        + "</tr>"
        for entry in classes
    )
    words = "Trimap IoU is the IoU of the pixels within that distance of a true border."
    return text.table("Boundary figures of each class", head, rows, kind="compact grouped", words=words)


def _values(estimates: Sequence[Mapping[str, Any]]) -> list[float]:
    return [text.bounds(estimate)[0] for estimate in estimates]
