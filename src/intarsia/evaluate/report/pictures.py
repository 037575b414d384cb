"""The report's pictures: the worst of all, the worst of each class behind a picker, the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from intarsia.evaluate import figures
from intarsia.evaluate.report import wording
from intarsia.evaluate.report.gallery import Gallery
from intarsia.evaluate.report.tables import swatches
from intarsia.evaluate.report.text import bounds, digits, swatch
from intarsia.metrics import Void, class_counts, confusion_matrix, iou
from intarsia.metrics.class_counts import void_convention
from intarsia.types import LabelMap

_ROOM = 4_500_000  # bytes of the page that all pictures may take
# Tried in turn until the pictures fit: pixels along the longer side, and how many of each class at most.
_SIZES = ((480, 8), (400, 8), (400, 4), (320, 4), (320, 2), (240, 2), (240, 1), (160, 1), (96, 1))
_TRIED = 8  # pictures from which the size of all is estimated
_FEW = 24  # classes up to which their colors are listed openly


def pictures_section(
    worst: Sequence[figures.Example],
    best: Sequence[figures.Example],
    by_class: Mapping[int, Sequence[figures.Example]],
    summary: Mapping[str, Any],
    label_map: LabelMap,
) -> str:
    """Examples with their overlays, or nothing without any.

    Args:
        worst: the pictures with the lowest scores, worst first.
        best: the pictures with the highest scores, best first.
        by_class: by a class's id, the pictures where that class has the lowest IoU, worst first.
        summary: the plain form of a summary, for the classes' names and IoU.
        label_map: the classes.
    """
    if not (worst or best or any(by_class.values())):
        return ""
    for long_side, each in _SIZES:
        gallery = Gallery(label_map, long_side)
        few = {class_id: examples[:each] for class_id, examples in by_class.items() if examples}
        if _expected_size(gallery, worst, best, few) <= _ROOM:
            break
    parts = (_list(gallery, "Worst images", worst), _picker(gallery, few, summary), _list(gallery, "Best images", best))
    return "\n".join((_legends(label_map, bool(few)), gallery.definitions(), *filter(None, parts)))


def _expected_size(
    gallery: Gallery,
    worst: Sequence[figures.Example],
    best: Sequence[figures.Example],
    by_class: Mapping[int, Sequence[figures.Example]],
) -> float:
    """What all pictures together would take, from a few: where there are many, trying all would take long."""
    every: list[tuple[figures.Example, int | None]] = [(example, None) for example in (*worst, *best)]
    every += [(example, class_id) for class_id, examples in by_class.items() for example in examples]
    step = math.ceil(len(every) / _TRIED)
    for example, class_id in every[::step]:
        gallery.panels(example, class_id)
    distinct = len({example.name for example, _ in every}), len({example.name for example, _ in every[::step]})
    return gallery.size * distinct[0] / distinct[1]


def _list(gallery: Gallery, heading: str, examples: Sequence[figures.Example]) -> str:
    if not examples:
        return ""
    shown = (
        _figure(escape(example.name), f"mean IoU {digits(example.score)}", gallery.panels(example))
        for example in examples
    )
    return f"<h3>{heading}</h3>\n" + "\n".join(shown)


def _picker(gallery: Gallery, by_class: Mapping[int, Sequence[figures.Example]], summary: Mapping[str, Any]) -> str:
    """A button for each class, worst first, and the pictures of the one chosen: radio buttons, so keys move between
    them and no script is needed. On paper every class is shown."""
    if not by_class:
        return ""
    scores = {entry["id"]: bounds(entry.get("iou"))[0] for entry in summary["classes"]}
    order = sorted(by_class, key=lambda class_id: (math.isnan(scores[class_id]), scores[class_id]))
    names = dict(zip(gallery.label_map.ids, gallery.label_map.names, strict=True))
    marks, void = swatches(gallery.label_map), void_convention(wording.void_convention(summary)[0] or "exclude")
    entries = []
    for number, class_id in enumerate(order):
        name, mark, checked = escape(names[class_id]), marks[class_id], " checked" if number == 0 else ""
        shown = "\n".join(
            _figure(
                escape(example.name),
                f"IoU of {name} {digits(_class_iou(example, class_id, gallery.label_map, void))}",
                gallery.panels(example, class_id),
            )
            for example in by_class[class_id]
        )
        entries.append(
            f'<input type="radio" name="class" id="pick-{class_id}"{checked}>'
            f'<label for="pick-{class_id}">{mark}{name} <span class="interval">{digits(scores[class_id])}</span>'
            f'</label>\n<div class="picked">\n<h4>{mark}{name}</h4>\n{shown}\n</div>'
        )
    words = (
        "By the IoU of one class, whose errors alone are drawn. Choose a class; its IoU over all images is beside it."
    )
    entered = "\n".join(entries)
    return f"""<h3>Worst images of each class</h3>
<p class="faint">{words}</p>
<div class="picker" role="group" aria-label="Class">
{entered}
</div>"""


def _class_iou(example: figures.Example, class_id: int, label_map: LabelMap, void: Void) -> float:
    counts = class_counts(confusion_matrix(example.truth, example.predicted, label_map), void)
    return float(iou(counts)[label_map.ids.index(class_id)])


def _figure(name: str, score: str, panels: str) -> str:
    return f"<figure>\n<figcaption><span>{name}</span><strong>{score}</strong></figcaption>\n{panels}\n</figure>"


def _legends(label_map: LabelMap, one_class: bool) -> str:
    classes, errors = _legend(figures.class_keys(label_map)), figures.error_keys(label_map)
    if one_class:  # where the errors of one class are drawn, everything else is background
        known = {key.label for key in errors}
        extra = figures.error_keys(LabelMap(names=("other", "the class")))
        errors = (*(key for key in extra if key.label not in known), *errors)
    if label_map.num_classes > _FEW:
        classes = f"<details>\n<summary>Colors of the {label_map.num_classes} classes</summary>\n{classes}</details>\n"
    return classes + _legend(errors)


def _legend(keys: Iterable[figures.Key]) -> str:
    entries = "".join(f"<li>{swatch(key.fill)}{escape(key.label)}</li>" for key in keys)
    return f'<ul class="legend">{entries}</ul>\n'
