import base64
import hashlib
import math
import re
from importlib.resources import files

import numpy as np
import pytest

from intarsia.evaluate.evaluation import summarize_all
from intarsia.metrics import ScoreTableBuilder
from intarsia.metrics.picture import CountOptions
from intarsia.types import LabelMap
from unit.evaluate.report.report_content import (
    HOSTILE,
    OVERALL,
    SCORES,
    classes,
    example,
    full_content,
    render,
    summary,
)

SECTIONS = (
    "Classes", "Diagnosis", "Confusion matrix", "Boundaries", "Surfaces", "Calibration", "Pictures", "Training",
    "Every image", "How these figures are defined", "Details",
)  # fmt: skip
ROWS = [{"step": 1.0, "loss": 0.5, "val_mean_iou": 0.5}, {"step": 2.0, "loss": 0.4}]


@pytest.mark.parametrize("count", [1, 2, 14, 40, 150])
def test_a_full_page_of_any_number_of_classes_nests_and_reaches_for_nothing(count: int) -> None:
    label_map = classes(count)
    pictures = [example("a.png", top_id=count - 1), example("b.png", top_id=count - 1, seed=1)]
    html, page = render(
        label_map,
        full_content(label_map),
        worst=pictures,
        best=pictures,
        examples_by_class=dict.fromkeys(range(min(count, 3)), pictures),
        curves=ROWS,
        details={"Model": "m"},
    )
    assert not re.search(r"https?:|//\w", re.sub(r"base64,[^\"]*", "", html))
    assert page.count("script") == 1
    assert page.count("link") == page.count("iframe") == page.count("img") == 0
    for tag, attributes in page.tags:
        for key in ("src", "srcset", "href"):
            assert re.match(r"data:image/|#", attributes.get(key) or "#"), tag
    assert not re.search(r"url\((?!#)|@import", html)
    assert page.count("td", class_="right") == count
    assert page.count("html", lang="en") == page.count("h1") == page.count("main") == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href|for|aria-describedby|data-copy)="#?([\w-]+)"|url\(#([\w-]+)\)', html)
    assert {name for pair in referred for name in pair if name} <= set(ids)


def test_every_section_is_in_the_contents_in_order() -> None:
    label_map = classes(2)
    _, page = render(label_map, full_content(label_map), worst=[example("a.png")], curves=ROWS, details={"Model": "m"})
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and attributes.get("class") != "skip"]
    slugs = [heading.lower().replace(" ", "-") for heading in SECTIONS]
    assert [f"#{slug}" for slug in slugs] == [link for link in links if link and link[1:] in slugs]
    assert [page.count("section", id=slug) for slug in slugs] == [1] * len(SECTIONS)


def test_what_is_missing_is_left_out() -> None:
    content = summary(classes(2)) | {"per_image": [], "conventions": {}}
    _, page = render(classes(2), content)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == ["classes", "confusion-matrix", "how-these-figures-are-defined"]
    assert "Void" not in page.text
    assert page.count("div", role="alert") == 0
    for key in ("boundary", "calibration", "diagnosis"):
        render(classes(2), content | {key: None})
        render(classes(2), content | {key: {}})
        for part in full_content(classes(2))[key]:
            whole = full_content(classes(2))
            del whole[key][part]
            render(classes(2), whole)


def test_scores_show_their_interval_and_bar() -> None:
    _, page = render(classes(2))
    cards, rows = len(OVERALL) // 2 + 2, len(OVERALL) + 2 * len(SCORES)
    assert page.text.count("0.875") == cards + rows
    assert page.text.count("0.825 – 0.925") == cards + rows
    assert page.text.count("95% interval 0.825") == cards
    assert "3 images · 2 groups · 2 classes" in page.text
    assert "12,345" in page.text
    assert page.count("rect", class_="band", x="82.50", width="10.00") == rows


def test_the_void_convention_stands_with_the_headlines_and_in_each_hint() -> None:
    _, page = render(classes(2))
    assert "Void pixels: exclude – pixels whose truth is void count nowhere" in page.text
    assert page.text.count("Void: exclude.") == len(OVERALL) // 2 + 2 + 1  # every card, and the table of classes
    assert page.count("button", class_="tip") == page.count("span", role="tooltip") == len(OVERALL) // 2 + 2
    assert page.count("button", aria_describedby="tip-cohens_kappa-dataset") == 1


def test_kappa_may_be_negative() -> None:
    content = summary(classes(2))
    content["overall"]["cohens_kappa_dataset"] = {"value": -0.25, "low": -0.5, "high": 0.125}
    html, page = render(classes(2), content)
    assert page.text.count("−0.250 95% interval −0.500 – 0.125") == 1
    assert not re.search(r' (x|width)="-', html)


def test_warnings_come_first_and_loud() -> None:
    content = summary(classes(2)) | {"warnings": ["the truth was produced by the model under test", HOSTILE]}
    _, page = render(classes(2), content)
    assert page.count("div", role="alert", class_="warnings") == 1
    assert page.text.index("produced by the model") < page.text.index("Mean IoU")
    assert HOSTILE in page.text


def test_groups_are_told_only_where_they_are_not_the_images() -> None:
    _, page = render(classes(1), summary(classes(1), images=1, groups=1))
    assert "1 image · 1 class" in page.text


@pytest.mark.parametrize("value", [None, math.nan])
def test_the_undefined_is_a_dash_without_a_bar(value: float | None) -> None:
    html, page = render(classes(2), summary(classes(2), value), worst=[example("a.png", score=math.nan)])
    assert "nan" not in page.text.lower()
    assert "None" not in page.text
    assert page.count("svg", class_="bar") == 0
    assert page.text.count("–") > 12
    assert "mean IoU –" in page.text
    assert "nan" not in re.sub(r"base64,[^\"]*", "", html[html.index("<body") :]).lower()


def test_a_missing_score_or_interval_is_no_mistake() -> None:
    content = summary(classes(1))
    del content["overall"]["mean_iou_per_image"], content["classes"][0]["recall"]
    content["overall"]["pixel_accuracy_dataset"] = {"value": 0.5}
    _, page = render(classes(1), content)
    assert "Mean IoU per image" not in page.text
    assert "0.500" in page.text


def test_hostile_names_are_shown_and_do_nothing() -> None:
    label_map = LabelMap(names=("background", HOSTILE))
    content = full_content(label_map)
    content["per_image"] = [{"name": HOSTILE, "mean_iou": 0.5}]
    content["conventions"] = {HOSTILE: HOSTILE, "void": HOSTILE}
    content["boundary"] |= {"convention": HOSTILE, "tolerances": [HOSTILE] * 4}
    content["calibration"]["risk_coverage"]["sentence"] = HOSTILE
    content["diagnosis"] |= {"band": HOSTILE}
    content["diagnosis"]["checks"] = [dict.fromkeys(("name", "finding", "remedy", "severity"), HOSTILE)]
    content["diagnosis"]["size_recall"]["strata"] = [HOSTILE] * 5
    for entry in content["diagnosis"]["classes"]:
        entry |= {"sentence": HOSTILE, "remedy": f"{HOSTILE}!", "how_to": HOSTILE}
        entry["parts"][0] |= {"cause": HOSTILE, "detail": HOSTILE, "share": 0.9}
    content["conventions"]["void"] = "count"
    html, page = render(
        label_map,
        content,
        title=HOSTILE,
        worst=[example(HOSTILE)],
        examples_by_class={1: [example(HOSTILE)]},
        details={HOSTILE: HOSTILE},
        confusion=np.array([[5, 5], [1, 9]], dtype=np.int64),
    )
    assert html.count("<script") == page.count("script") == 1
    assert page.scripts == ["\n" + files("intarsia.evaluate.report").joinpath("report.js").read_text(encoding="utf-8")]
    assert page.text.count(HOSTILE) >= 40
    assert page.count("svg", aria_label=f"Errors of {HOSTILE}") == 2


def test_only_our_script_may_run_and_nothing_may_be_fetched() -> None:
    html, page = render(classes(2))
    (policy,) = [a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv")]
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert not re.search(r"\son\w+=", html[: html.index("<script>")])


def test_confusion_is_normalised_by_row_and_tells_its_counts() -> None:
    confusion = np.array([[90, 10, 0], [997, 3, 0], [50, 60, 70]], dtype=np.int64)
    _, page = render(LabelMap(names=("soil", "leaf"), ignore=9), confusion=confusion)
    assert page.count("td", title="soil taken for leaf: 10 pixels (10.00%)", style="--heat:0.32") == 1
    assert page.count("td", title="leaf taken for soil: 997 pixels (99.70%)") == 1
    assert page.count("td", title="leaf taken for leaf: 3 pixels (0.30%)", class_="right") == 1
    assert "ignored" not in page.text  # the row of ignored truth is left out, the column holds nothing


def test_predictions_of_the_ignore_id_get_a_column() -> None:
    confusion = np.array([[90, 0, 10], [0, 5, 0], [0, 0, 0]], dtype=np.int64)
    _, page = render(LabelMap(names=("soil", "leaf"), ignore=9), confusion=confusion)
    assert page.count("td", title="soil taken for ignored: 10 pixels (10.00%)") == 1


def test_a_class_absent_from_the_truth_has_an_empty_row() -> None:
    html, _ = render(classes(2), confusion=np.array([[90, 10], [0, 0]], dtype=np.int64))
    assert '<tr><th scope="row">class 1</th><td></td><td class="right"></td></tr>' in html


def test_training_is_drawn_whatever_was_recorded() -> None:
    _, page = render(classes(2), curves=[*ROWS, {"step": 3.0, "loss": math.nan, "val_mean_iou": 0.75}, {"loss": 1.0}])
    assert page.count("svg", class_="chart", aria_labelledby="training-loss-title training-loss-words") == 1
    assert "Validation mean IoU (best 0.750 at step 3)" in page.text
    _, page = render(classes(2), curves=[{"step": 10, "loss": 0.5, "val_mean_iou": math.inf}])
    assert "Validation mean IoUnot recorded" in page.text
    assert page.count("svg", class_="chart") == 1


def test_every_image_is_listed() -> None:
    _, page = render(classes(2))
    assert "all 3, worst first" in page.text
    assert page.text.index("0.100") < page.text.index("0.900") < page.text.index("void–")


def test_a_long_list_of_images_is_cut() -> None:
    content = summary(classes(2))
    content["per_image"] = [{"name": f"image {k:04}", "mean_iou": k / 1000} for k in range(1000)]
    _, page = render(classes(2), content)
    assert "the worst 200 of 1,000" in page.text
    assert "image 0199" in page.text
    assert "image 0200" not in page.text


def test_all_that_an_evaluation_finds_is_understood() -> None:
    label_map = LabelMap(names=("soil", "leaf", "rare"), ids=(0, 255, 7), ignore=9)
    random = np.random.default_rng(0)
    builder = ScoreTableBuilder(label_map, CountOptions(spacing=(0.5, 0.5)))
    for k in range(6):
        truth = np.zeros((40, 50), dtype=np.uint8)
        truth[5:25, 5 + k : 25 + k], truth[30:32, 30:33], truth[:2] = 255, 7, 9
        predicted = np.roll(truth, 2, axis=1)
        predicted[predicted != 255] = 0
        probabilities = np.moveaxis(random.dirichlet((8, 1, 1), truth.shape).astype(np.float32), -1, 0)
        leaf = predicted == 255
        probabilities[:, leaf] = probabilities[[1, 0, 2]][:, leaf]
        builder.add(f"{k}.png", truth, predicted, group=f"plant {k // 2}", probabilities=probabilities)
    found = summarize_all(builder.table(), warnings=["look out"], resamples=50)
    _, page = render(label_map, found.to_dict(), confusion=builder.table().dataset)
    text = page.text.replace("95% interval ", "")
    for figure in (found.overall["mean_iou_dataset"], found.overall["mean_dice_per_image"]):
        assert f"{figure.value:.3f} {figure.low:.3f} – {figure.high:.3f}" in text
    assert all(name in text for name in (*label_map.names, *found.conventions, "look out"))
    plain = found.to_dict()
    assert plain["diagnosis"]["classes"][2]["sentence"] in text
    assert plain["calibration"]["risk_coverage"]["sentence"] in text
    assert plain["boundary"]["convention"] in text
    assert plain["surface"]["convention"] in text
    assert page.count("svg", class_="chart") >= 5
