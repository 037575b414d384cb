import math
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from intarsia.evaluate import report
from intarsia.evaluate.figures import Example
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ScoreTable
from intarsia.types import LabelMap

VOID = {"meta", "img", "source", "br", "rect"}
HOSTILE = "<script>alert('1')</script>\"&"


class Page(HTMLParser):
    """Checks that tags nest, and collects what tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(
            name == tag and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
            for name, found in self.tags
        )


def estimate(value: float | None, spread: float = 0.05) -> dict[str, float | None]:
    if value is None or math.isnan(value):
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": max(0.0, value - spread), "high": min(1.0, value + spread)}


def summary(label_map: LabelMap, value: float | None = 0.875, images: int = 3, groups: int = 2) -> dict[str, Any]:
    overall = ("mean_iou_dataset", "mean_dice_dataset", "pixel_accuracy", "mean_iou_per_image", "mean_dice_per_image")
    scores = ("iou", "dice", "precision", "recall")
    return {
        "images": images,
        "groups": groups,
        "overall": {key: estimate(value) for key in overall},
        "classes": [
            {"id": i, "name": name, "support": 12345, **{score: estimate(value) for score in scores}}
            for i, name in zip(label_map.ids, label_map.names, strict=True)
        ],
        "conventions": {"mean IoU": "the mean over the classes"},
        "per_image": [
            {"name": "bad", "mean_iou": 0.1},
            {"name": "good", "mean_iou": 0.9},
            {"name": "void", "mean_iou": None},
        ],
    }


def example(name: str, size: int = 64, score: float = 0.25, top_id: int = 1) -> Example:
    random = np.random.default_rng(0)
    masks = random.integers(0, 2, (2, size, size + 8), dtype=np.uint8) * np.uint8(top_id)
    return Example(name, random.integers(0, 256, (size, size + 8, 3), dtype=np.uint8), masks[0], masks[1], score)


def classes(count: int, prefix: str = "class") -> LabelMap:
    return LabelMap(names=tuple(f"{prefix} {index}" for index in range(count)))


def render(
    label_map: LabelMap,
    content: Mapping[str, Any] | None = None,
    *,
    worst: Sequence[Example] = (),
    best: Sequence[Example] = (),
    confusion: np.ndarray | None = None,
    **rest: Any,
) -> tuple[str, Page]:
    square = np.eye(label_map.num_classes, dtype=np.int64) * 1000 if confusion is None else confusion
    html = report.render(
        content or summary(label_map),
        title=rest.pop("title", "A report"),
        label_map=label_map,
        confusion=square,
        examples_worst=worst,
        examples_best=best,
        **rest,
    )
    return html, Page(html)


@pytest.mark.parametrize("count", [1, 2, 14, 40])
def test_a_page_of_any_number_of_classes_nests_and_reaches_for_nothing(count: int) -> None:
    rows = [{"step": 1.0, "loss": 0.5, "val_mean_iou": 0.5}, {"step": 2.0, "loss": 0.4}]
    html, page = render(
        classes(count),
        worst=[example("a.png", top_id=count - 1)],
        best=[example("b.png", top_id=count - 1)],
        curves=rows,
    )
    assert "http" not in html
    assert page.count("script") == page.count("link") == page.count("iframe") == 0
    for tag, attributes in page.tags:
        for key in ("src", "srcset", "href"):
            assert (attributes.get(key) or "data:image/").startswith("data:image/"), tag
    assert not re.search(r"url\(|@import", html)
    assert page.count("td", class_="right strong") == count
    assert page.count("html", lang="en") == page.count("h1") == 1


def test_scores_show_their_interval_and_bar() -> None:
    _, page = render(classes(2))
    assert page.text.count("0.875") == 5 + 2 * 4
    assert page.text.count("0.825 – 0.925") == 5 + 2 * 4
    assert "3 images · 2 groups · 2 classes" in page.text
    assert "12,345" in page.text
    assert page.count("rect", class_="band", x="82.50", width="10.00") == 8


def test_groups_are_told_only_where_they_are_not_the_images() -> None:
    _, page = render(classes(1), summary(classes(1), images=1, groups=1))
    assert "1 image · 1 class" in page.text


@pytest.mark.parametrize("value", [None, math.nan])
def test_the_undefined_is_a_dash_without_a_bar(value: float | None) -> None:
    html, page = render(classes(2), summary(classes(2), value), worst=[example("a.png", score=math.nan)])
    assert "nan" not in page.text.lower()
    assert "None" not in page.text
    assert page.count("svg") == 0
    assert page.text.count("–") > 12
    assert "mean IoU –" in page.text
    assert "nan" not in re.sub(r"data:[^\"]*", "", html).lower()


def test_a_missing_score_or_interval_is_no_mistake() -> None:
    content = summary(classes(1))
    del content["overall"]["mean_iou_per_image"], content["classes"][0]["recall"]
    content["overall"]["pixel_accuracy"] = {"value": 0.5}
    _, page = render(classes(1), content)
    assert "Mean IoU per image" not in page.text
    assert "0.500" in page.text


def test_hostile_names_are_shown_and_do_nothing() -> None:
    label_map = LabelMap(names=("background", HOSTILE))
    content = summary(label_map)
    content["per_image"] = [{"name": HOSTILE, "mean_iou": 0.5}]
    content["conventions"] = {HOSTILE: HOSTILE}
    html, page = render(
        label_map,
        content,
        title=HOSTILE,
        worst=[example(HOSTILE)],
        details={HOSTILE: HOSTILE},
        confusion=np.array([[5, 5], [1, 9]], dtype=np.int64),
    )
    assert "<script" not in html
    assert page.count("script") == 0
    assert page.text.count(HOSTILE) >= 9
    assert page.count("img", alt=f"Errors of {HOSTILE}") == 1


def test_confusion_is_normalised_by_row_and_tells_its_counts() -> None:
    confusion = np.array([[90, 10, 0], [997, 3, 0], [50, 60, 70]], dtype=np.int64)
    _, page = render(LabelMap(names=("soil", "leaf"), ignore=9), confusion=confusion)
    assert page.count("td", title="soil taken for leaf: 10 pixels (10.00%)", style="--heat:0.32", class_="") == 1
    assert page.count("td", title="leaf taken for soil: 997 pixels (99.70%)", class_="strong") == 1
    assert page.count("td", title="leaf taken for leaf: 3 pixels (0.30%)", class_="right") == 1
    assert "ignored" not in page.text  # the row of ignored truth is left out, the column holds nothing


def test_predictions_of_the_ignore_id_get_a_column() -> None:
    confusion = np.array([[90, 0, 10], [0, 5, 0], [0, 0, 0]], dtype=np.int64)
    _, page = render(LabelMap(names=("soil", "leaf"), ignore=9), confusion=confusion)
    assert page.count("td", title="soil taken for ignored: 10 pixels (10.00%)") == 1


def test_a_class_absent_from_the_truth_has_an_empty_row() -> None:
    _, page = render(classes(2), confusion=np.array([[90, 10], [0, 0]], dtype=np.int64))
    assert page.count("td", title="class 1 taken for class 1: 0 pixels (0.00%)", style="--heat:0.00") == 1


def test_each_example_has_four_panels_with_words_for_them() -> None:
    _, page = render(classes(2), worst=[example("a.png"), example("b.png")], best=[example("c.png")])
    assert page.count("figure") == 3
    assert page.count("img") == 12
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert page.count("img", alt="Prediction of b.png", width="72", height="64") == 1
    assert page.text.count("missed (only in truth)") == 2


def test_without_examples_curves_and_details_their_sections_are_left_out() -> None:
    content = summary(classes(2)) | {"per_image": [], "conventions": {}}
    _, page = render(classes(2), content)
    headings = ("Training", "Worst images", "Best images", "Every image", "How these figures are defined", "Details")
    assert not any(heading in page.text for heading in headings)
    assert page.count("img") == 0


def test_every_image_is_listed() -> None:
    _, page = render(classes(2))
    assert "all 3, worst first" in page.text
    assert page.text.index("0.100") < page.text.index("0.900") < page.text.index("void")


def test_a_long_list_of_images_is_cut() -> None:
    content = summary(classes(2))
    content["per_image"] = [{"name": f"image {k:04}", "mean_iou": k / 1000} for k in range(1000)]
    _, page = render(classes(2), content)
    assert "the worst 200 of 1,000" in page.text
    assert "image 0199" in page.text
    assert "image 0200" not in page.text


def test_a_real_summary_is_understood() -> None:
    label_map = LabelMap(names=("soil", "leaf"), ids=(0, 255), ignore=9)
    confusion = np.array([[[50, 10, 0], [10, 30, 0], [4, 4, 0]], [[60, 5, 0], [5, 30, 0], [0, 8, 0]]], dtype=np.int64)
    table = ScoreTable(label_map, ("first.png", "second.png"), ("first", "second"), confusion)
    found = summarize(table, resamples=100)
    _, page = render(label_map, found.to_dict(), confusion=table.dataset)
    for figure in (found.mean_iou_dataset, found.mean_dice_per_image, found.classes[1].recall):
        assert f"{figure.value:.3f} {figure.low:.3f} – {figure.high:.3f}" in page.text.replace("95% interval ", "")
    assert all(name in page.text for name in (*table.names, *label_map.names, *found.conventions))


def test_noisy_large_pictures_stay_within_five_megabytes() -> None:
    worst = [example(f"{k}.png", size=700) for k in range(8)]
    html, page = render(classes(2), worst=worst, best=worst[:4])
    assert len(html) < 5_000_000
    assert page.count("img", width="480") == 48
