"""Whether confidence can be believed, in the report: the reliability diagram and the risk–coverage curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from intarsia.evaluate.report import text
from intarsia.evaluate.report.charts import WIDTH, Axes, Frame, Line, chart, lines, nice_ticks

_FIGURES = {
    "ece": "Expected calibration error",
    "mce": "Maximum calibration error",
    "brier": "Brier score",
    "nll": "Negative log-likelihood",
}
_LARGEST = 13.0  # radius of the dot of a bin that holds every pixel
_RIGHT = WIDTH - 24.0


class _Bin(NamedTuple):
    """A bin of the reliability diagram: its edges, share of all pixels, mean confidence and accuracy."""

    low: float
    high: float
    share: float
    confidence: float
    accuracy: float

    @property
    def gap(self) -> float:
        """How much surer the model is than right."""
        return self.confidence - self.accuracy


def calibration_section(calibration: Mapping[str, Any] | None, marks: Mapping[int, str]) -> str:
    """Figures, charts and what they say, or nothing without figures.

    Args:
        calibration: what :meth:`intarsia.evaluate.confidence.Confidence.to_dict` gives.
        marks: the swatch of each class by its id.
    """
    if not calibration:
        return ""
    pictures, pixels = (calibration.get(key) or {} for key in ("risk_coverage", "pixel_risk_coverage"))
    found = [(name, calibration.get(key)) for key, name in _FIGURES.items()]
    found.append(("Area under risk–coverage", pictures.get("aurc")))
    bins = _bins(calibration.get("reliability", ()))
    charts = (
        _reliability(bins) if bins else "",
        _risk_coverage("pictures", "1 − mean IoU", pictures),
        _risk_coverage("pixels", "share of wrong pixels", pixels),
    )
    parts = (
        text.cards((name, of) for name, of in found if of),
        f'<div class="charts">\n{"".join(charts)}</div>' if any(charts) else "",
        _of_classes(calibration.get("classwise_ece", ()), marks),
    )
    return "\n".join(filter(None, parts))


def reliability_sentence(bins: Sequence[_Bin]) -> str:
    """What a reliability diagram says, in words."""
    whole = sum(entry.share for entry in bins)
    gap = sum(entry.share * entry.gap for entry in bins) / whole
    widest = max(bins, key=lambda entry: entry.share * abs(entry.gap))
    side = "surer than it is right" if gap > 0 else "less sure than it is right"
    mean = "Confidence and accuracy agree on average" if abs(gap) < 0.005 else (
        f"On average the model is {100 * abs(gap):.1f} percentage points {side}"
    )  # fmt: skip
    if abs(widest.gap) < 0.005:
        return f"{mean}."
    return (
        f"{mean}. What weighs most: where it is {_percents(widest)} sure ({text.percent(widest.share)} of the pixels), "
        f"{text.percent(widest.accuracy)} are right."
    )


def _bins(rows: Sequence[Mapping[str, Any]]) -> list[_Bin]:
    found = (_Bin(*(math.nan if row.get(key) is None else float(row[key]) for key in _Bin._fields)) for row in rows)
    return [entry for entry in found if all(map(math.isfinite, entry)) and entry.share > 0]


def _reliability(bins: Sequence[_Bin]) -> str:
    ticks = nice_ticks(0.0, 1.0)
    frame = Frame(_RIGHT, (0.0, 1.0), (0.0, 1.0))
    diagonal = f'<path class="mark" d="M{frame.x(0.0):.1f} {frame.y(0.0):.1f}L{frame.x(1.0):.1f} {frame.y(1.0):.1f}"/>'
    words = reliability_sentence(bins)
    content = _HATCHES + "".join(_bar(frame, entry) for entry in bins) + diagonal
    content += "".join(_dot(frame, entry) for entry in bins)
    svg = chart(
        "reliability", "Reliability diagram", words, frame, Axes(ticks, ticks, "confidence", "accuracy"), content
    )
    legend = _legend(
        ('<rect class="bin" width="16" height="12"/>', "right, of the pixels of this confidence"),
        ('<rect class="over" width="16" height="12"/>', "too sure"),
        ('<rect class="under" width="16" height="12"/>', "not sure enough"),
        ('<circle class="bin-dot" cx="8" cy="6" r="5"/>', "mean confidence; area: share of pixels"),
        ('<path class="mark" d="M0 6H16"/>', "what it should be"),
    )
    return f"<figure><figcaption>Reliability</figcaption>\n{svg}\n{legend}\n<p>{escape(words)}</p></figure>\n"


def _bar(frame: Frame, entry: _Bin) -> str:
    """The bin's accuracy as a bar, and its distance to the confidence hatched."""
    left, width = frame.x(entry.low) + 0.5, frame.x(entry.high) - frame.x(entry.low) - 1
    right, sure = frame.y(entry.accuracy), frame.y(entry.confidence)
    kind = "over" if entry.gap > 0 else "under"
    return (
        f'<g><title>{escape(_hint(entry))}</title><rect class="bin" x="{left:.1f}" y="{right:.1f}" width="{width:.1f}" '
        f'height="{frame.bottom - right:.1f}"/><rect class="{kind}" x="{left:.1f}" y="{min(right, sure):.1f}" '
        f'width="{width:.1f}" height="{abs(right - sure):.1f}"/></g>'
    )


def _dot(frame: Frame, entry: _Bin) -> str:
    x, y = frame.x(entry.confidence), frame.y(entry.accuracy)
    radius = max(3.0, _LARGEST * math.sqrt(entry.share))
    hint = escape(_hint(entry))
    return f'<circle class="bin-dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{hint}</title></circle>'


def _hint(entry: _Bin) -> str:
    return (
        f"confidence {_percents(entry)}: {entry.share:.1%} of the pixels, mean confidence "
        f"{text.digits(entry.confidence)}, accuracy {text.digits(entry.accuracy)}"
    )


def _percents(entry: _Bin) -> str:
    return f"{100 * entry.low:.0f}–{100 * entry.high:.0f}%"


def _risk_coverage(units: str, risk_name: str, curve: Mapping[str, Any]) -> str:
    sentence = str(curve.get("sentence") or "")
    words = f"\n<p>{escape(sentence)}</p>" if sentence else ""
    caption = f"Risk over coverage of {units}"
    if not curve.get("coverage"):
        return f"<figure><figcaption>{caption}</figcaption>{words}</figure>\n" if words else ""
    random = math.nan if curve.get("random") is None else float(curve["random"])
    risk, ideal = (
        sorted(zip(map(float, curve["coverage"]), _numbers(curve.get(key) or ()), strict=False))
        for key in ("risk", "ideal")
    )
    drawn = [
        Line([(0.0, random), (1.0, random)], "random", f"{units.capitalize()} kept at random"),
        Line(ideal, "ideal", "The best order there could be: by the true error"),
        Line(risk, "main", "The order of this model's confidence"),
    ]
    most = max((value for line in drawn for _, value in line.points if math.isfinite(value)), default=0.0)
    ticks = nice_ticks(0.0, most or 1.0)
    frame = Frame(_RIGHT, (0.0, 1.0), (0.0, ticks[-1][0]))
    axes = Axes(nice_ticks(0.0, 1.0), ticks, f"coverage: the share of {units} kept, the surest first", risk_name)
    svg = chart(f"risk-coverage-{units}", caption, sentence or caption, frame, axes, lines(frame, drawn))
    entries = [("main", "this model"), ("ideal", "ideal order"), ("random", "random order")]
    legend = _legend(*((f'<g class="line {kind}"><path d="M0 6H16"/></g>', name) for kind, name in entries))
    return f"<figure><figcaption>{caption}</figcaption>\n{svg}\n{legend}{words}</figure>\n"


def _of_classes(classes: Sequence[Mapping[str, Any]], marks: Mapping[int, str]) -> str:
    if not classes:
        return ""
    rows = (
        f"<tr>{text.row_head(entry['name'], marks.get(entry['id'], ''))}{text.score_cell(entry)}"
        + "".join(f'<td class="number">{text.digits(entry.get(key))}</td>' for key in ("true_share", "expected_share"))
        + "</tr>"
        for entry in classes
    )
    names = "Calibration error", "True share of pixels", "Share the probabilities expect"
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    head = f'<tr><th scope="col">Class</th>{heads}</tr>'
    page = text.table("Calibration of each class", head, rows, kind="plain")
    return f"<details>\n<summary>Calibration of each class</summary>\n{page}\n</details>"


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _legend(*entries: tuple[str, str]) -> str:
    keys = "".join(
        f'<li><svg class="chart key" viewBox="0 0 16 12" aria-hidden="true">{drawn}</svg>{escape(name)}</li>'
        for drawn, name in entries
    )
    return f'<ul class="legend">{keys}</ul>'


_HATCHES = """<defs>
<pattern id="hatch-over" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="hatch-over" width="2.5" height="6"/></pattern>
<pattern id="hatch-under" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
<rect class="hatch-under" width="2.5" height="6"/></pattern>
</defs>"""
