"""Pictures of results: the contact sheet of examples and the curves of a training run."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from intarsia.errors import ShapeError
from intarsia.ops import overlay
from intarsia.ops.resize import resize_nearest
from intarsia.types import LabelMap

COLUMNS = ("Picture", "Truth", "Prediction", "Errors")
"""What the four panels of an example are called, in order."""

_MARGIN, _GAP, _LINE, _SWATCH = 24, 12, 30, 16
_TEXT_SIZE = 15
_INK, _FAINT, _PAPER = (28, 32, 38), (110, 116, 124), (255, 255, 255)


@dataclass(frozen=True)
class Example:
    """One picture with its truth and what was predicted.

    Args:
        name: what to call it, usually its file's name.
        image: uint8 or uint16 [H, W, C].
        truth: [H, W] class ids.
        predicted: [H, W] class ids.
        score: its mean IoU in [0, 1]; NaN when undefined.

    Raises:
        ShapeError: picture and masks differ in size.
    """

    name: str
    image: overlay.Picture
    truth: overlay.Mask
    predicted: overlay.Mask
    score: float

    def __post_init__(self) -> None:
        sizes = [array.shape[:2] for array in (self.image, self.truth, self.predicted)]
        if len(set(sizes)) > 1:
            picture, truth, predicted = (f"{height} × {width}" for height, width in sizes)
            raise ShapeError(
                f"the picture is {picture} pixels (height × width), the truth {truth} and the prediction {predicted}",
                where=self.name,
                remedy="Give the two masks of this picture, at its own size",
            )


@dataclass(frozen=True)
class Key:
    """One entry of a legend: its fill is empty for what is left clear, one color for a tint, two for stripes."""

    label: str
    fill: tuple[tuple[int, int, int], ...]


def class_keys(label_map: LabelMap) -> tuple[Key, ...]:
    """The legend of the class colors, in the order of ``label_map``."""
    background = overlay.background_index(label_map)
    return tuple(
        Key(f"{name} (clear)", ()) if index == background else Key(name, (color,))
        for index, (name, color) in enumerate(zip(label_map.names, label_map.colors, strict=True))
    )


def error_keys(label_map: LabelMap) -> tuple[Key, ...]:
    """The legend of the error colors, of which only those that ``label_map`` allows to occur."""
    background = overlay.background_index(label_map) is not None
    keys = []
    if background:
        keys += [Key("missed (only in truth)", (overlay.MISSED,))]
        keys += [Key("spurious (only in prediction)", (overlay.SPURIOUS,))]
    if label_map.num_classes - background > 1:
        keys += [Key("wrong class", (overlay.CONFUSED,))]
    if label_map.ignore is not None:
        keys += [Key("ignored (not scored)", overlay.IGNORED)]
    return tuple(keys)


def panels(example: Example, label_map: LabelMap, long_side: int) -> tuple[Image.Image, ...]:
    """Draw the four :data:`COLUMNS` of an example at one size.

    Overlays are drawn after scaling, so outlines stay one pixel wide; masks are scaled by nearest neighbor.

    Args:
        example: the picture, its truth and its prediction, of one size.
        label_map: what the ids mean.
        long_side: pixels along the longer side of each panel; the proportions stay.
    """
    height, width = example.truth.shape
    picture, truth, predicted = scaled(example, long_side / max(height, width))
    drawn = (
        picture,
        overlay.blend(picture, truth, label_map),
        overlay.blend(picture, predicted, label_map),
        overlay.errors(picture, truth, predicted, label_map),
    )
    return tuple(Image.fromarray(array) for array in drawn)


def scaled(example: Example, scale: float) -> tuple[overlay.RGB, overlay.Mask, overlay.Mask]:
    """The picture as a screen shows it, truth and prediction, enlarged ``scale`` times.

    Returns:
        uint8 [height, width, 3] and two masks of ids of that size, which is at least one pixel either way.
    """
    size = tuple(max(1, round(side * scale)) for side in example.truth.shape)
    shown = Image.fromarray(overlay.for_display(example.image)).resize(size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(shown), resize_nearest(example.truth, size), resize_nearest(example.predicted, size)


def contact_sheet(examples: Sequence[Example], label_map: LabelMap, tile: int = 280) -> Image.Image:
    """Draw one row an example: picture, truth, prediction and errors, under a legend and column titles.

    Args:
        examples: in the order to show; their pictures may differ in size, depth and channels.
        label_map: what the ids mean, and their colors.
        tile: pixels along the longer side of each panel.

    Returns:
        An RGB image 4 panels wide, as high as it needs to be.
    """
    rows = [panels(example, label_map, tile) for example in examples]
    width = 2 * _MARGIN + 4 * tile + 3 * _GAP
    legend = [*_flow(class_keys(label_map), width), *_flow(error_keys(label_map), width)]
    top = _MARGIN + _LINE * (len(legend) + 1) + _GAP
    height = top + sum(_row_height(row) for row in rows) + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(legend):
        _draw_keys(sheet, line, _MARGIN + number * _LINE)
    for column, title in enumerate(COLUMNS):
        _text(draw, (_MARGIN + column * (tile + _GAP), top - _LINE), title, bold=True)
    for example, row in zip(examples, rows, strict=True):
        _draw_caption(draw, example, top, width)
        for column, panel in enumerate(row):
            left = _MARGIN + column * (tile + _GAP) + (tile - panel.width) // 2
            sheet.paste(panel, (left, top + _LINE))
        top += _row_height(row)
    return sheet


def curves_png(rows: Sequence[Mapping[str, int | float]]) -> bytes:
    """Draw training curves: loss and validation mean IoU over the steps.

    Args:
        rows: in order of time, each with ``step`` and any of ``loss`` and ``val_mean_iou``; missing and non-finite
            values are skipped, other keys are not drawn.

    Returns:
        A PNG file.
    """
    ink = "#1c2026"
    figure = Figure(figsize=(10, 3.6), dpi=110, layout="constrained", facecolor="white")
    loss_axes, iou_axes = figure.subplots(1, 2, sharex=True)
    _draw_curve(loss_axes, _series(rows, "loss"), "Training loss", "#d55e00")
    scores = _series(rows, "val_mean_iou")
    _draw_curve(iou_axes, scores, "Validation mean IoU", "#0072b2", marker="o")
    if scores:
        step, best = max(scores, key=lambda point: point[1])
        iou_axes.axhline(best, color=ink, alpha=0.4, linewidth=1, linestyle=":")
        iou_axes.set_title(f"Validation mean IoU (best {best:.3f} at step {step:.0f})")
    for axes in (loss_axes, iou_axes):
        _style(axes, ink)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def png_bytes(image: overlay.RGB | Image.Image) -> bytes:
    """Encode a picture, an overlay or a contact sheet as a PNG file."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, "png")
    return buffer.getvalue()


def _row_height(row: Sequence[Image.Image]) -> int:
    return _LINE + row[0].height + 2 * _GAP


@cache
def _font(bold: bool = False) -> ImageFont.FreeTypeFont:
    # matplotlib ships DejaVu, which also has the Greek, Cyrillic and accented letters that Pillow's own font lacks.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), _TEXT_SIZE)


def _text(
    draw: ImageDraw.ImageDraw,
    position: tuple[int, int],
    text: str,
    color: tuple[int, int, int] = _INK,
    bold: bool = False,
    anchor: str = "lm",
) -> None:
    """Write on a line of height ``_LINE`` whose top edge is at ``position``."""
    x, y = position
    draw.text((x, y + _LINE / 2), text, fill=color, font=_font(bold), anchor=anchor)


def _shortened(text: str, width: int) -> str:
    """Cut the middle out of a text that is wider than ``width`` pixels: both ends of a file name tell it apart."""
    if _font().getlength(text) <= width:
        return text
    half = len(text) // 2
    while half > 1 and _font().getlength(f"{text[:half]}…{text[-half:]}") > width:
        half -= 1
    return f"{text[:half]}…{text[-half:]}"


def _flow(keys: Sequence[Key], width: int) -> list[list[tuple[int, Key]]]:
    """Break legend entries into lines that fit: per line, the left edge of each entry and the entry."""
    lines: list[list[tuple[int, Key]]] = []
    left = width  # so that the first entry opens a line
    for key in keys:
        key = Key(_shortened(key.label, width - 2 * _MARGIN - _SWATCH - 8), key.fill)
        needed = _SWATCH + 8 + math.ceil(_font().getlength(key.label))
        if left + needed > width - _MARGIN:
            lines.append([])
            left = _MARGIN
        lines[-1].append((left, key))
        left += needed + 24
    return lines


def _draw_keys(sheet: Image.Image, line: Sequence[tuple[int, Key]], top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    for left, key in line:
        box = left, top + (_LINE - _SWATCH) // 2
        sheet.paste(_swatch(key), box)
        draw.rectangle((*box, box[0] + _SWATCH, box[1] + _SWATCH), outline=_FAINT)
        _text(draw, (left + _SWATCH + 8, top), key.label)


def _swatch(key: Key) -> Image.Image:
    if len(key.fill) == 2:
        return Image.fromarray(overlay.stripes(_SWATCH, _SWATCH))
    return Image.new("RGB", (_SWATCH, _SWATCH), key.fill[0] if key.fill else _PAPER)


def _draw_caption(draw: ImageDraw.ImageDraw, example: Example, top: int, width: int) -> None:
    score = "mean IoU –" if math.isnan(example.score) else f"mean IoU {example.score:.3f}"
    free = width - 2 * _MARGIN - 2 * _GAP - math.ceil(_font(bold=True).getlength(score))
    _text(draw, (_MARGIN, top), _shortened(example.name, free), color=_FAINT)
    _text(draw, (width - _MARGIN, top), score, bold=True, anchor="rm")


def _series(rows: Sequence[Mapping[str, int | float]], key: str) -> list[tuple[float, float]]:
    points = [(float(row["step"]), float(row[key])) for row in rows if "step" in row and key in row]
    return [(step, value) for step, value in points if math.isfinite(value)]


def _draw_curve(axes: Axes, points: Sequence[tuple[float, float]], title: str, color: str, marker: str = "") -> None:
    axes.set_title(title)
    axes.set_xlabel("step")
    if points:
        lone = "o" if len(points) == 1 else marker  # a line through one point is invisible
        axes.plot(*zip(*points, strict=True), color=color, linewidth=1.8, marker=lone, markersize=4)
    else:
        axes.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=axes.transAxes, alpha=0.6)


def _style(axes: Axes, ink: str) -> None:
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2, color=ink)
    axes.tick_params(colors=ink)
    for spine in axes.spines.values():
        spine.set_color(ink)
    for text in (axes.title, axes.xaxis.label, *axes.texts):
        text.set_color(ink)
        text.set_fontsize(11)
