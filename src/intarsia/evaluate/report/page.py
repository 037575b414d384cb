"""The report of an evaluation as one HTML file that needs no network and no neighbor file.

It is complete without its script, which only copies tables and opens what is folded before printing; a policy in the
page lets no other script run, whatever a data set calls its classes and pictures.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia.evaluate import figures
from intarsia.evaluate.report import wording
from intarsia.evaluate.report.boundary import boundary_section
from intarsia.evaluate.report.calibration import calibration_section
from intarsia.evaluate.report.copying import copying
from intarsia.evaluate.report.diagnosis import diagnosis_section
from intarsia.evaluate.report.pictures import pictures_section
from intarsia.evaluate.report.surface import surface_section
from intarsia.evaluate.report.tables import class_table, confusion_table, swatches
from intarsia.evaluate.report.text import cards, count, digits, row_head, score_cell, table
from intarsia.evaluate.report.training import training_curves
from intarsia.types import LabelMap

_LISTED = 200
_PER_IMAGE = "mean_iou", "mean_dice"  # shown in large type as means over images too


def render(
    summary: Mapping[str, Any],
    *,
    title: str,
    label_map: LabelMap,
    confusion: Int64[np.ndarray, "truths predictions"],
    examples_worst: Sequence[figures.Example] = (),
    examples_best: Sequence[figures.Example] = (),
    examples_by_class: Mapping[int, Sequence[figures.Example]] | None = None,
    curves: Sequence[Mapping[str, int | float]] = (),
    details: Mapping[str, str] | None = None,
) -> str:
    """Write the report.

    Args:
        summary: what :meth:`intarsia.evaluate.summary.Summary.to_dict` gives, or that form read back from JSON. Of its
            parts ``boundary``, ``surface``, ``calibration``, ``diagnosis`` and ``warnings`` (a list of texts) any may
            be missing.
        title: the page's heading.
        label_map: the classes scored, and their colors.
        confusion: pixel counts [K, K] or [K+1, K+1], truth in rows and prediction in columns; the extra last row
            (ignored truth) is left out, the extra column (ignored prediction) shown only if it counts anything.
        examples_worst: the pictures with the lowest scores, worst first.
        examples_best: the pictures with the highest scores, best first.
        examples_by_class: by a class's id, the pictures where that class has the lowest IoU, worst first.
        curves: the rows of the training run; see :func:`intarsia.evaluate.report.training.training_curves`.
        details: what else a reader should know (model, data, seed, times, versions), by name.

    Returns:
        A whole HTML document. Its pictures take under 5 MB: they are embedded smaller, and fewer of a class, where
        there are many.
    """
    marks = swatches(label_map)
    pictures = pictures_section(examples_worst, examples_best, examples_by_class or {}, summary, label_map)
    sections = {
        "Classes": f"{class_table(summary, label_map)}\n{copying(summary, 'classes')}",
        "Diagnosis": diagnosis_section(summary.get("diagnosis"), marks),
        "Confusion matrix": confusion_table(confusion, label_map),
        "Boundaries": boundary_section(summary.get("boundary"), marks),
        "Surfaces": surface_section(summary.get("surface"), marks),
        "Calibration": calibration_section(summary.get("calibration"), marks),
        "Pictures": pictures,
        "Training": training_curves(curves),
        "Every image": _image_list(summary.get("per_image", ())),
        "How these figures are defined": _definitions(summary),
        "Details": _details(details or {}),
    }
    filled = {heading: content for heading, content in sections.items() if content}
    body = "\n".join(_section(heading, content) for heading, content in filled.items())
    return _page(title, f"{_header(summary, title)}\n{body}", _contents(filled))


def _page(title: str, body: str, contents: str) -> str:
    style, script = (
        files("intarsia.evaluate.report").joinpath(name).read_text(encoding="utf-8")
        for name in ("report.css", "report.js")
    )
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#report">Skip to the report</a>
{contents}
<main id="report" tabindex="-1">
{body}
</main>
<p class="unseen" role="status" id="copied"></p>
<script>
{script}</script>
</body>
</html>
"""


def _slug(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _contents(headings: Mapping[str, str]) -> str:
    links = "\n".join(f'<li><a href="#{_slug(heading)}">{heading}</a></li>' for heading in headings)
    return f'<nav class="contents" aria-label="Contents">\n<ul>\n{links}\n</ul>\n</nav>'


def _section(heading: str, content: str) -> str:
    return f'<section id="{_slug(heading)}">\n<h2>{heading}</h2>\n{content}\n</section>'


def _header(summary: Mapping[str, Any], title: str) -> str:
    images, groups = summary["images"], summary.get("groups")
    counts = [count(images, "image"), count(len(summary["classes"]), "class", "classes")]
    if groups not in (None, images):
        counts.insert(1, count(groups, "group"))
    void, meaning = wording.void_convention(summary)
    convention = (
        f'<p class="convention">Void pixels: <strong>{escape(void)}</strong>'
        f"{' – ' if meaning else ''}{escape(meaning)}</p>\n"
        if void
        else ""
    )
    return f"""<header>
<h1>{escape(title)}</h1>
<p class="faint">{" · ".join(counts)}</p>
{_warnings(summary.get("warnings", ()))}{convention}{_headlines(summary, void)}
{_every_figure(summary)}
{copying(summary, "overall")}
</header>"""


def _headlines(summary: Mapping[str, Any], void: str) -> str:
    """The figures over all pixels, and the means over images where those say something of their own."""
    dataset, per_image = (wording.overall(summary, kind) for kind in wording.KINDS)
    return cards(
        [(_explained(name, "dataset", void), estimate) for name, estimate in dataset.items()]
        + [(_explained(name, "per_image", void), per_image[name]) for name in _PER_IMAGE if name in per_image]
    )


def _every_figure(summary: Mapping[str, Any]) -> str:
    kinds = {kind: wording.overall(summary, kind) for kind in wording.KINDS}
    heads = "".join(f'<th scope="col">{figure.name}</th>' for figure in wording.KINDS.values())
    rows = [
        row_head(figure.name) + "".join(score_cell(found.get(name)) for found in kinds.values())
        for name, figure in wording.OVERALL.items()
        if any(name in found for found in kinds.values())
    ]
    head = f'<tr><th scope="col">Figure</th>{heads}</tr>'
    page = table("Every figure over all classes", head, (f"<tr>{row}</tr>" for row in rows), kind="plain")
    return f"<details>\n<summary>Every figure, over all pixels and as mean over images</summary>\n{page}\n</details>"


def _warnings(warnings: Sequence[str]) -> str:
    said = "\n".join(f"<p>{escape(str(warning))}</p>" for warning in warnings)
    return f'<div class="warnings" role="alert">\n<strong>Warning</strong>\n{said}\n</div>\n' if said else ""


def _explained(name: str, kind: wording.Kind, void: str) -> str:
    """A figure's name with what it means behind a mark that opens under the pointer and by keyboard."""
    figure, taken = wording.OVERALL[name], wording.KINDS[kind]
    shown = figure.name + (" per image" if kind == "per_image" else "")
    convention = f" Void: {escape(void)}." if void else ""
    return (
        f'{shown} <button type="button" class="tip" aria-label="What {shown} is" aria-describedby="tip-{name}-{kind}">'
        f'?</button><span class="bubble" role="tooltip" id="tip-{name}-{kind}">{escape(figure.meaning)} '
        f"{escape(taken.meaning)}{convention}</span>"
    )


def _image_list(images: Sequence[Mapping[str, Any]]) -> str:
    if not images:
        return ""
    rows = (
        f'<tr><th scope="row">{escape(str(image["name"]))}</th>'
        f'<td class="number">{digits(image.get("mean_iou"))}</td></tr>'
        for image in images[:_LISTED]
    )
    shown = f"the worst {_LISTED} of {len(images):,}" if len(images) > _LISTED else f"all {len(images):,}, worst first"
    head = '<tr><th scope="col">Image</th><th scope="col" class="number">Mean IoU</th></tr>'
    page = table("Mean IoU of each image", head, rows, kind="plain")
    return f"<details>\n<summary>Mean IoU of each image ({shown})</summary>\n{page}\n</details>"


def _definitions(summary: Mapping[str, Any]) -> str:
    figures_shown = {name: wording.OVERALL[name] for name in wording.overall(summary, "dataset")}
    figures_shown |= wording.of_classes(summary)
    if summary.get("surface"):
        figures_shown |= wording.SURFACE
    words = "".join(
        f'<dt id="meaning-{key}">{figure.name}</dt><dd>{escape(figure.meaning)}</dd>\n'
        for key, figure in figures_shown.items()
    )
    words += "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(str(text))}</dd>\n"
        for name, text in summary.get("conventions", {}).items()
    )
    return f'<dl class="words">\n{words}</dl>' if words else ""


def _details(details: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th><td>{escape(str(value))}</td></tr>\n'
        for name, value in details.items()
    )
    return f'<table class="plain">\n<tbody>\n{rows}</tbody>\n</table>' if rows else ""
