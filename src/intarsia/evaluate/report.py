"""The report of an evaluation as one HTML file that needs no network, no script and no neighbor file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Int64
from PIL import Image

from intarsia.evaluate import figures
from intarsia.evaluate.report_tables import class_table, confusion_table, digits, score, swatch
from intarsia.types import LabelMap

_HEADLINES = {
    "mean_iou_dataset": "Mean IoU",
    "mean_dice_dataset": "Mean Dice",
    "mean_iou_per_image": "Mean IoU per image",
    "mean_dice_per_image": "Mean Dice per image",
    "pixel_accuracy": "Pixel accuracy",
}
_LONG_SIDE = 480
_PICTURE_BYTES = 3_400_000  # of all embedded pictures together; base64 makes it 4.5 MB
_LISTED = 200


def render(
    summary: Mapping[str, Any],
    *,
    title: str,
    label_map: LabelMap,
    confusion: Int64[np.ndarray, "truths predictions"],
    examples_worst: Sequence[figures.Example] = (),
    examples_best: Sequence[figures.Example] = (),
    curves: Sequence[Mapping[str, int | float]] = (),
    details: Mapping[str, str] | None = None,
) -> str:
    """Write the report.

    Args:
        summary: what :meth:`intarsia.evaluate.summary.Summary.to_dict` gives, or that form read back from JSON.
        title: the page's heading.
        label_map: the classes scored, and their colors.
        confusion: pixel counts [K, K] or [K+1, K+1], truth in rows and prediction in columns; the extra last row
            (ignored truth) is left out, the extra column (ignored prediction) shown only if it counts anything.
        examples_worst: the pictures with the lowest scores, worst first.
        examples_best: the pictures with the highest scores, best first.
        curves: the rows of the training run; see :func:`intarsia.evaluate.figures.curves_png`.
        details: what else a reader should know (model, data, seed, times, versions), by name.

    Returns:
        A whole HTML document; with a dozen examples it stays below 5 MB.
    """
    budget = _PICTURE_BYTES // max(1, len(figures.COLUMNS) * (len(examples_worst) + len(examples_best)))
    body = (
        _header(summary, title),
        _section("Classes", class_table(summary["classes"], label_map)),
        _section("Confusion matrix", confusion_table(confusion, label_map)),
        _section("Training", _curves(curves)),
        _section("Worst images", _examples(examples_worst, label_map, budget)),
        _section("Best images", _examples(examples_best, label_map, budget)),
        _section("Every image", _image_list(summary.get("per_image", ()))),
        _section("How these figures are defined", _conventions(summary.get("conventions", {}))),
        _section("Details", _details(details or {})),
    )
    return _page(title, "\n".join(part for part in body if part))


def _page(title: str, body: str) -> str:
    css = files("intarsia.evaluate").joinpath("report.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _section(heading: str, content: str) -> str:
    """A headed section, or nothing when there is nothing to show."""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>" if content else ""


def _header(summary: Mapping[str, Any], title: str) -> str:
    images, groups = summary["images"], summary.get("groups")
    counts = [_count(images, "image"), _count(len(summary["classes"]), "class", "classes")]
    if groups not in (None, images):
        counts.insert(1, _count(groups, "group"))
    cards = "".join(
        f"<div><dt>{name}</dt><dd>{score(estimate, '95% interval ')}</dd></div>\n"
        for name, estimate in ((name, summary["overall"].get(key)) for key, name in _HEADLINES.items())
        if estimate is not None
    )
    return f"""<header>
<h1>{escape(title)}</h1>
<p class="faint">{" · ".join(counts)}</p>
<dl class="cards">
{cards}</dl>
</header>"""


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _curves(rows: Sequence[Mapping[str, int | float]]) -> str:
    if not rows:
        return ""
    light, dark = (_uri(figures.curves_png(rows, dark=dark), "png") for dark in (False, True))
    return f"""<picture class="curves">
<source media="(prefers-color-scheme: dark)" srcset="{dark}">
<img src="{light}" alt="Training loss and validation mean IoU over the training steps">
</picture>"""


def _examples(examples: Sequence[figures.Example], label_map: LabelMap, budget: int) -> str:
    if not examples:
        return ""
    legends = _legend(figures.class_keys(label_map)) + _legend(figures.error_keys(label_map))
    return legends + "\n".join(_example(example, label_map, budget) for example in examples)


def _example(example: figures.Example, label_map: LabelMap, budget: int) -> str:
    name = escape(example.name)
    images = figures.panels(example, label_map, _LONG_SIDE, enlarge=False)
    panels = "\n".join(
        f'<div><img src="{_picture_uri(image, budget)}" alt="{column} of {name}" '
        f'width="{image.width}" height="{image.height}"><span class="faint">{column}</span></div>'
        for column, image in zip(figures.COLUMNS, images, strict=True)
    )
    return f"""<figure>
<figcaption><span>{name}</span><strong>mean IoU {digits(example.score)}</strong></figcaption>
<div class="panels">
{panels}
</div>
</figure>"""


def _picture_uri(image: Image.Image, budget: int) -> str:
    """The smaller of PNG and JPEG, the latter at the best quality that fits ``budget`` bytes (or the least of all)."""
    encoded = {"png": figures.png_bytes(image)}
    for quality in (90, 75, 55, 35):
        # Full color resolution where it fits: subsampling smears thin outlines.
        encoded["jpeg"] = _jpeg_bytes(image, quality, subsampling=0 if quality > 60 else 2)
        if len(encoded["jpeg"]) <= budget:
            break
    smaller = min(encoded, key=lambda kind: len(encoded[kind]))
    return _uri(encoded[smaller], smaller)


def _jpeg_bytes(image: Image.Image, quality: int, subsampling: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _legend(keys: Iterable[figures.Key]) -> str:
    entries = "".join(f"<li>{swatch(key.fill)}{escape(key.label)}</li>" for key in keys)
    return f'<ul class="legend">{entries}</ul>\n'


def _image_list(images: Sequence[Mapping[str, Any]]) -> str:
    if not images:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(str(image["name"]))}</th>'
        f'<td class="number">{digits(image.get("mean_iou"))}</td></tr>'
        for image in images[:_LISTED]
    )
    shown = f"the worst {_LISTED} of {len(images):,}" if len(images) > _LISTED else f"all {len(images):,}, worst first"
    return f"""<details>
<summary>Mean IoU of each image ({shown})</summary>
<table class="plain">
<thead><tr><th scope="col">Image</th><th scope="col" class="number">Mean IoU</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</details>"""


def _conventions(conventions: Mapping[str, Any]) -> str:
    words = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(str(text))}</dd>\n" for name, text in conventions.items())
    return f'<dl class="words">\n{words}</dl>' if words else ""


def _details(details: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th><td>{escape(str(value))}</td></tr>\n'
        for name, value in details.items()
    )
    return f'<table class="plain">\n<tbody>\n{rows}</tbody>\n</table>' if rows else ""
