"""Why the score is what it is, in the report: what each class loses, what to do about it, and what was checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from intarsia.evaluate.diagnosis import summed_up
from intarsia.evaluate.remedies import percent
from intarsia.evaluate.report import text

_CAUSES = {
    "boundary": "at the border",
    "missed": "missed objects",
    "spurious": "spurious objects",
    "confusion": "confusion with other classes",
    "suspect": "truth that may be wrong",
    "noise": "noise: predicted specks",
    "partial": "gaps and spill",
}
"""What each cause is called; its place is its fill in the style sheet: those drawn as errors have the errors' color."""
_SHOWN = 12  # classes shown at once, those that lose most
_LISTED = 5  # parts of one class put in words
_LABELED = 0.08  # share from which a piece of a bar has room for its percentage
_LEVELS = {"error": "error", "high": "error", "warning": "warning", "medium": "warning", "ok": "fine", "none": "fine"}


def diagnosis_section(diagnosis: Mapping[str, Any] | None, marks: Mapping[int, str]) -> str:
    """What each class's lost IoU is made of, recall by size and the checks; nothing without a diagnosis.

    Args:
        diagnosis: what :meth:`intarsia.evaluate.diagnosis.Diagnosis.to_dict` gives. Each check has a ``severity``:
            error or high, warning or medium, ok or none, anything else being a mere note.
        marks: the swatch of each class by its id.
    """
    if not diagnosis:
        return ""
    classes = sorted(diagnosis.get("classes", ()), key=lambda entry: -_number(entry.get("lost"), -1.0))
    of_names = {entry["name"]: marks.get(entry["id"], "") for entry in classes}
    parts = (
        _losses(classes, str(diagnosis.get("band") or ""), of_names) if classes else "",
        _size_recall(diagnosis.get("size_recall") or {}, of_names),
        _checks(diagnosis.get("checks", ())),
    )
    return "\n".join(part for part in parts if part)


def _losses(classes: Sequence[Mapping[str, Any]], band: str, marks: Mapping[str, str]) -> str:
    found = {part["cause"] for entry in classes for part in _parts(entry)}
    words = "Each bar is all the IoU a class loses, split by cause; the classes that lose most come first."
    if band:
        words += f" The border is the band this far to either side of a true border: {escape(band)}."
    words += " Pixels whose truth is void count nowhere here, whatever convention the IoU above is of."
    keys = "".join(f"<li>{_key(cause)}{name}</li>" for cause, name in _CAUSES.items() if cause in found)
    rows = [_loss(entry, marks[entry["name"]]) for entry in classes if _parts(entry) or entry.get("lost")]
    without = summed_up(classes)
    rest = ""
    if len(rows) > _SHOWN:
        rest = (
            f"\n<details>\n<summary>{text.count(len(rows) - _SHOWN, 'more class', 'more classes')} that lose less"
            f"</summary>\n{''.join(rows[_SHOWN:])}</details>"
        )
    return f"""<p class="faint">{words}</p>
<ul class="legend">{keys}</ul>
<div class="losses">
{"".join(rows[:_SHOWN])}{rest}
</div>""" + (f"\n<p>{escape(without[0].upper() + without[1:])}.</p>" if without else "")


def _fill(cause: str) -> str:
    """The CSS class of a cause; causes this page does not know share the last."""
    return f"fill-{list(_CAUSES).index(cause) if cause in _CAUSES else len(_CAUSES)}"


def _key(cause: str) -> str:
    return f'<span class="swatch {_fill(cause)}"></span>'


def _loss(entry: Mapping[str, Any], mark: str) -> str:
    lost, parts = _number(entry.get("lost"), math.nan), _parts(entry)
    pieces = "".join(
        f'<span class="{_fill(part["cause"])}" style="flex-grow:{part["share"]:.4f}" title="{escape(_words(part))}">'
        + (f"<b>{percent(part['share'])}</b>" if part["share"] >= _LABELED else "")
        + "</span>"
        for part in parts
    )
    largest = sorted(parts, key=lambda part: -part["share"])
    listed = "".join(f"<li>{_key(part['cause'])}{escape(_words(part))}</li>" for part in largest[:_LISTED])
    if len(largest) > _LISTED:
        left = sum(part["share"] for part in largest[_LISTED:])
        listed += f"<li>{text.count(len(largest) - _LISTED, 'smaller part')}: {percent(left)}</li>"
    bar = f'<div class="parts" aria-hidden="true">{pieces}</div>\n<ul class="legend">{listed}</ul>' if parts else ""
    sentence, remedy = str(entry.get("sentence") or ""), str(entry.get("remedy") or "")
    said = f"<p>{escape(sentence)}</p>" if sentence else ""
    if remedy not in sentence:
        said += f'<p class="remedy">{escape(remedy)}</p>'
    if entry.get("how_to"):
        said += f'<p class="faint">See docs/{escape(str(entry["how_to"]))}.md.</p>'
    figures = f"IoU {text.digits(entry.get('iou'))}, {_points(100 * lost)} lost"
    return f"""<article class="loss">
<h3>{mark}{escape(str(entry["name"]))}<span class="interval">{figures}</span></h3>
<div class="split"><div>{bar}</div>
<div>{said}</div></div>
</article>
"""


def _parts(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in entry.get("parts", ()) if _number(part.get("share"), 0.0) > 0]


def _words(part: Mapping[str, Any]) -> str:
    name = _CAUSES.get(part["cause"], part["cause"])
    # The width of the border is said once, above.
    told = part["cause"] == "boundary" or part.get("detail") in (name, "", None)
    detail = "" if told else f" ({part['detail']})"
    return f"{name}{detail}: {percent(part['share'])}, {_points(part.get('iou_points'))}"


def _points(points: float | None) -> str:
    """A difference of IoU in points of a hundred."""
    return text.UNDEFINED if points is None or math.isnan(points) else f"{points:.1f} points"


def _size_recall(found: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    strata, classes = found.get("strata", ()), found.get("classes", ())
    if not strata or not classes:
        return ""
    heads = "".join(f'<th scope="col">{escape(str(stratum))}</th>' for stratum in strata)
    rows = (
        f"<tr>{text.row_head(entry['name'], marks.get(entry['name'], ''))}"
        + "".join(_recall_cell(*pair) for pair in zip(entry["recall"], entry["objects"], strict=True))
        + "</tr>"
        for entry in classes
    )
    words = "The share of the true objects that is found, by their size; below it, how many there are."
    page = text.table(
        "Recall by size of object", f'<tr><th scope="col">Class</th>{heads}</tr>', rows, kind="heat", words=words
    )
    return f"<h3>Recall by size of object</h3>\n{page}"


def _recall_cell(recall: float | None, objects: int) -> str:
    heat = _number(recall, 0.0)
    return (
        f'<td style="--heat:{heat:.2f}">{text.digits(recall)} '
        f'<span class="interval">{text.count(objects, "object")}</span></td>'
    )


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    if not checks:
        return ""
    return f'<h3>Checks</h3>\n<ul class="checks">\n{"".join(map(_check, checks))}</ul>'


def _check(check: Mapping[str, Any]) -> str:
    severity = str(check.get("severity") or "note")
    level = _LEVELS.get(severity.lower(), "note")
    remedy = f'<p class="remedy">{escape(str(check["remedy"]))}</p>' if check.get("remedy") else ""
    return f"""<li class="{level}"><span class="severity">{escape(severity)}</span>
<div><strong>{escape(str(check["name"]))}</strong><p>{escape(str(check["finding"]))}</p>{remedy}</div></li>
"""


def _number(value: float | None, default: float) -> float:
    return default if value is None or math.isnan(value) else float(value)
