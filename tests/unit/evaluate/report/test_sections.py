import math
import re
from typing import Any

import pytest

from intarsia.evaluate.remedies import ADVICE
from intarsia.evaluate.report.calibration import calibration_section
from intarsia.evaluate.report.diagnosis import diagnosis_section
from intarsia.evaluate.report.surface import surface_section
from intarsia.evaluate.report.wording import SURFACE
from unit.evaluate.report.report_content import Page, classes, full_content, render

CONTENT = full_content(classes(3))


def test_each_class_shows_the_parts_of_its_loss_to_scale_and_in_words() -> None:
    diagnosis = CONTENT["diagnosis"]
    page = Page(diagnosis_section(diagnosis, {}))
    for entry in diagnosis["classes"]:
        largest = max(entry["parts"], key=lambda part: part["share"])
        assert f"{largest['share']:.0%}, {largest['iou_points']:.1f} points" in page.text.replace("<1%", "0%")
        assert f"IoU {entry['iou']:.3f}, {100 * entry['lost']:.1f} points lost" in page.text
        assert entry["sentence"] in page.text
    grown = [a["style"] for tag, a in page.tags if tag == "span" and "flex-grow" in (a.get("style") or "")]
    shares = [float(re.findall(r"[\d.]+", style or "")[0]) for style in grown]
    assert sum(shares) == pytest.approx(3, abs=0.01)
    assert page.count("div", class_="parts", aria_hidden="true") == 3


def test_the_class_that_loses_most_comes_first_and_the_rest_is_folded() -> None:
    diagnosis = full_content(classes(30))["diagnosis"]
    page = Page(diagnosis_section(diagnosis, {}))
    order = sorted(diagnosis["classes"], key=lambda entry: -float(entry["lost"]))
    assert re.findall(r"(class \d+)IoU", page.text) == [entry["name"] for entry in order]
    assert "18 more classes that lose less" in page.text


def test_every_cause_of_the_diagnosis_has_a_name_and_a_fill() -> None:
    parts = [{"cause": cause, "detail": "", "share": 0.1, "iou_points": 1.0} for cause in (*ADVICE, "new")]
    entry = {**CONTENT["diagnosis"]["classes"][0], "parts": parts}
    page = Page(diagnosis_section({"classes": [entry]}, {}))
    for fill in range(8):
        assert page.count("span", class_=f"fill-{fill}") == 1
    assert page.count("span", class_="swatch fill-7") == 0  # in no legend, being the ninth of five listed


def test_a_remedy_is_said_once() -> None:
    entry = {**CONTENT["diagnosis"]["classes"][0], "sentence": "Look closer.", "remedy": "use glasses"}
    assert "use glasses" in Page(diagnosis_section({"classes": [entry]}, {})).text
    entry["sentence"] = "Look closer: use glasses"
    assert Page(diagnosis_section({"classes": [entry]}, {})).text.count("use glasses") == 1


def test_a_class_that_is_absent_or_loses_nothing_is_no_mistake() -> None:
    absent = {"id": 1, "name": "absent", "iou": None, "lost": None, "parts": [], "sentence": "absent: nothing to say"}
    perfect = absent | {"name": "perfect", "iou": 1.0, "lost": 0.0, "sentence": "perfect: no loss to explain"}
    page = Page(diagnosis_section({"classes": [absent, perfect]}, {}))
    assert page.count("article") == 0
    assert "No loss to explain: perfect; nothing to say: absent." in page.text


def test_recall_by_size_shows_strata_counts_and_gaps() -> None:
    html = diagnosis_section(CONTENT["diagnosis"], {})
    found = CONTENT["diagnosis"]["size_recall"]
    page = Page(html)
    assert all(stratum in page.text for stratum in found["strata"])
    assert page.text.count("– 0 objects") == 3
    assert html.count('style="--heat:') == 15


def test_checks_carry_their_severity_in_words() -> None:
    page = Page(diagnosis_section(CONTENT["diagnosis"], {}))
    levels = [attributes.get("class") for tag, attributes in page.tags if tag == "li" and attributes.get("class")]
    assert levels == ["warning", "error", "fine", "note"]
    assert "Overlap the tiles more." in page.text


def test_surfaces_show_every_figure_with_its_interval_and_how_many_images_are_left_out() -> None:
    surface = CONTENT["surface"]
    page = Page(surface_section(surface, {}))
    assert surface["convention"] in page.text
    assert "A pixel is 0.5 high and 0.8 wide" in page.text
    assert "Mean NSD within 0.8" in page.text
    assert "Mean NSD within 2.4" in page.text  # which is 2.4000000000000004
    for entry in surface["classes"]:
        for name in SURFACE:
            figures = entry[name] if isinstance(entry[name], list) else [entry[name]]
            for figure in figures:
                assert (
                    f"{figure['value']:.3f} {figure['low']:.3f} – {figure['high']:.3f}".replace("-", "−") in page.text
                )
    assert page.text.count("1,2347") == 3
    for name in SURFACE:
        assert page.count("a", href=f"#meaning-{name}") == 1
    assert surface_section(None, {}) == ""


def test_reliability_says_how_far_confidence_is_off() -> None:
    bins: list[dict[str, float | None]] = [
        {"low": 0.5, "high": 0.75, "share": 0.25, "confidence": 0.6, "accuracy": 0.5},
        {"low": 0.75, "high": 1.0, "share": 0.75, "confidence": 0.9, "accuracy": 0.7},
        {"low": 0.0, "high": 0.5, "share": 0.0, "confidence": None, "accuracy": None},
    ]
    page = Page(calibration_section({"reliability": bins}, {}))
    assert "On average the model is 17.5 percentage points surer than it is right." in page.text
    assert "where it is 75–100% sure (75% of the pixels), 70% are right." in page.text
    assert page.count("rect", class_="over", width="16") == 1
    for entry in bins:
        entry["accuracy"] = entry["confidence"]
    assert "Confidence and accuracy agree on average." in Page(calibration_section({"reliability": bins}, {})).text


def test_the_area_of_a_dot_is_the_share_of_its_bin() -> None:
    html = calibration_section(CONTENT["calibration"], {})
    radii = [
        float(radius) for radius in re.findall(r'<circle class="bin-dot" cx="[\d.]+" cy="[\d.]+" r="([\d.]+)">', html)
    ]
    assert len(radii) == 9
    assert (max(radii) / 13) ** 2 == pytest.approx(0.64, abs=0.01)


def test_risk_over_coverage_is_drawn_for_pictures_and_pixels() -> None:
    page = Page(calibration_section(CONTENT["calibration"], {}))
    assert CONTENT["calibration"]["risk_coverage"]["sentence"] in page.text
    for units in ("pictures", "pixels"):
        assert page.count("title", id=f"risk-coverage-{units}-title") == 1
    few: dict[str, Any] = {
        "risk_coverage": {"coverage": [], "risk": [], "ideal": [], "random": None, "sentence": "Too few."}
    }
    page = Page(calibration_section(few, {}))
    assert "Too few." in page.text
    assert page.count("svg") == 0


def test_a_curve_with_gaps_draws_no_nan() -> None:
    content = full_content(classes(2))
    for curve in (content["calibration"]["risk_coverage"], content["calibration"]["pixel_risk_coverage"]):
        curve |= {"risk": [None, math.nan, *curve["risk"][2:]], "random": None}
    boundary = content["boundary"]
    boundary["overall"]["mean_boundary_f1"][0] = {"value": None, "low": None, "high": None}
    boundary["classes"][0]["trimap_iou"][-1] = {"value": None, "low": None, "high": None}
    html, _ = render(classes(2), content)
    assert not re.search(r'(d|cx|cy|x|y|width|height)="[^"]*nan', html)
