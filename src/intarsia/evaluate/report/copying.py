"""The overall figures and the scores of the classes as tables to paste: Markdown and LaTeX.

Both name the convention in their caption, because a figure without its convention cannot be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from intarsia.evaluate.report import wording
from intarsia.evaluate.report.text import bounds, count, digits

Which = Literal["overall", "classes"]

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "–": "--", "−": "$-$", "×": r"$\times$", "κ": r"$\kappa$", "’": "'",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


class _Table(NamedTuple):
    """A table before it is written: its caption, heads and rows, of which the first cell is a name."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def markdown_table(summary: Mapping[str, Any], which: Which = "classes") -> str:
    """A table of a summary in GitHub's Markdown, with a line below that says how it was counted.

    Args:
        summary: what :meth:`intarsia.evaluate.summary.Summary.to_dict` gives.
        which: the scores of every class, or the figures over all of them.
    """
    table = _table(summary, which)
    heads, *rows = ([_in_markdown(cell) for cell in line] for line in (table.heads, *table.rows))
    rule = ["---", *["---:"] * (len(heads) - 1)]
    lines = "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *rows))
    return f"{lines}\n\n{_in_markdown(table.caption)}\n"


def latex_table(summary: Mapping[str, Any], which: Which = "classes") -> str:
    r"""A table of a summary in LaTeX; it needs ``\usepackage{booktabs}``.

    Args:
        summary: what :meth:`intarsia.evaluate.summary.Summary.to_dict` gives.
        which: the scores of every class, or the figures over all of them.
    """
    table = _table(summary, which)
    heads, *rows = (" & ".join(_in_latex(cell) for cell in line) + r" \\" for line in (table.heads, *table.rows))
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_in_latex(table.caption)}}}",
            r"\footnotesize",
            rf"\begin{{tabular}}{{l{'r' * (len(table.heads) - 1)}}}",
            r"\toprule",
            heads,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def copying(summary: Mapping[str, Any], which: Which) -> str:
    """Both tables to copy: ready-made text, and a button for each where the page's script runs."""
    texts = {"Markdown": markdown_table(summary, which), "LaTeX": latex_table(summary, which)}
    ids = {name: f"{which}-{name.lower()}" for name in texts}
    buttons = "".join(
        f'<button type="button" hidden data-copy="{ids[name]}">Copy as {name}</button>\n' for name in texts
    )
    fields = "\n".join(
        f'<label for="{ids[name]}">{name}</label>\n'
        f'<textarea id="{ids[name]}" readonly rows="8" spellcheck="false">\n{escape(content)}</textarea>'
        for name, content in texts.items()
    )
    return f"""<div class="copy">
{buttons}<details>
<summary>This table as text</summary>
{fields}
</details>
</div>"""


def _table(summary: Mapping[str, Any], which: Which) -> _Table:
    return _overall(summary) if which == "overall" else _classes(summary)


def _overall(summary: Mapping[str, Any]) -> _Table:
    kinds = {kind: wording.overall(summary, kind) for kind in wording.KINDS}
    rows = [
        [figure.name, *(_cell(found.get(name)) for found in kinds.values())]
        for name, figure in wording.OVERALL.items()
        if any(name in found for found in kinds.values())
    ]
    heads = ["Figure", *(taken.name.capitalize() for taken in wording.KINDS.values())]
    return _Table(_caption("Scores over all classes with their 95% intervals", summary), heads, rows)


def _classes(summary: Mapping[str, Any]) -> _Table:
    scores = wording.of_classes(summary)
    rows = [
        [str(entry["name"]), *(_cell(entry.get(key)) for key in scores), f"{entry['support']:,}"]
        for entry in summary["classes"]
    ]
    heads = ["Class", *(figure.name for figure in scores.values()), "Pixels"]
    return _Table(_caption("Scores of each class with their 95% intervals", summary), heads, rows)


def _cell(estimate: Mapping[str, Any] | None) -> str:
    """A value, followed by its interval if it has one; a dash when undefined."""
    value, low, high = bounds(estimate)
    return digits(value) if math.isnan(low + high) else f"{digits(value)} ({digits(low)}, {digits(high)})"


def _caption(what: str, summary: Mapping[str, Any]) -> str:
    (void, meaning), interval = wording.void_convention(summary), summary.get("conventions", {}).get("interval")
    said = [f"{what}, {count(summary['images'], 'image')}"]
    said += [f"Void pixels: {void}" + (f" ({meaning})" if meaning else "")] if void else []
    said += [f"Interval: {interval}"] if interval else []
    return ". ".join(said) + "."


def _in_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))
