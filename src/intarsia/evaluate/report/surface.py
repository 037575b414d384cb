"""How far outlines are apart, in the report: NSD, average surface distance and Hausdorff distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from intarsia.evaluate.report import text
from intarsia.evaluate.report.wording import SURFACE

_NSD, *_DISTANCES = SURFACE
_MEANS = ("Mean average surface distance", "Mean Hausdorff distance", "Mean HD95")


def surface_section(surface: Mapping[str, Any] | None, marks: Mapping[int, str]) -> str:
    """The means over classes and a table a class, or nothing without figures.

    Args:
        surface: what :func:`intarsia.evaluate.surfaces.surface_section` gives.
        marks: the swatch of each class by its id.
    """
    if not surface:
        return ""
    tolerances = [f"{tolerance:g}" for tolerance in surface["tolerances"]]
    height, width = (f"{side:g}" for side in surface["spacing"])
    overall = surface["overall"]
    named = [
        (f"Mean {SURFACE[_NSD].name} within {at}", of)
        for at, of in zip(tolerances, overall[f"mean_{_NSD}"], strict=True)
    ]
    named += [(words, overall[f"mean_{name}"]) for words, name in zip(_MEANS, _DISTANCES, strict=True)]
    return "\n".join(
        (
            f'<p class="convention">{escape(surface["convention"])}</p>',
            f"<p>A pixel is {height} high and {width} wide; distances and tolerances are in the same unit.</p>",
            text.cards(named),
            _table(tolerances, surface["classes"], marks),
        )
    )


def _table(tolerances: Sequence[str], classes: Sequence[Mapping[str, Any]], marks: Mapping[int, str]) -> str:
    nsd, *distances = (
        f'<a href="#meaning-{name}" title="{escape(figure.meaning)}">{figure.name}</a>'
        for name, figure in SURFACE.items()
    )
    first = [
        '<th rowspan="2" scope="col">Class</th>',
        f'<th colspan="{len(tolerances)}" scope="colgroup">{nsd} within</th>',
        *(f'<th rowspan="2" scope="col">{name}</th>' for name in distances),
        '<th colspan="2" scope="colgroup">Outlines</th>',
    ]
    second = "".join(f'<th scope="col">{name}</th>' for name in (*tolerances, "both", "one"))
    rows = (
        f"<tr>{text.row_head(entry['name'], marks.get(entry['id'], ''))}"
        + "".join(map(text.score_cell, entry[_NSD]))
        + "".join(f'<td class="score">{text.score(entry[name])}</td>' for name in _DISTANCES)
        + "".join(f'<td class="number">{entry[f"images_{kind}"]:,}</td>' for kind in ("finite", "infinite"))
        + "</tr>"
        for entry in classes
    )
    head = f'<tr>{"".join(first)}</tr>\n<tr class="second">{second}</tr>'
    words = "Distances are those of images with both outlines; with only one they are infinite, and left out."
    return text.table("Surface figures of each class", head, rows, kind="compact grouped", words=words)
