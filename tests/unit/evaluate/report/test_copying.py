from collections.abc import Callable, Mapping
from typing import Any

import pytest

from intarsia.evaluate.report.copying import Which, copying, latex_table, markdown_table
from intarsia.types import LabelMap
from unit.evaluate.report.report_content import HOSTILE, Page, classes, summary

LABELS = LabelMap(names=("soil", "50% _leaf_ & {a|b} #1 $x^2$ \\ ~"))


def test_markdown_of_the_classes_holds_intervals_and_the_convention() -> None:
    head, rule, *rows, blank, caption, end = markdown_table(summary(LABELS)).split("\n")
    assert head == "| Class | IoU | Dice | Precision | Recall | Specificity | Pixels |"
    assert rule == "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    cell = "0.875 (0.825, 0.925)"
    assert rows[0] == f"| soil | {cell} | {cell} | {cell} | {cell} | {cell} | 12,345 |"
    assert rows[1].startswith("| 50% \\_leaf\\_ \\& \\{a\\|b\\} \\#1 \\$x^2\\$ \\\\ \\~ | 0.875")
    assert caption == (
        "Scores of each class with their 95% intervals, 3 images. Void pixels: exclude (pixels whose truth is void "
        "count nowhere). Interval: 95% bootstrap."
    )
    assert blank == end == ""


def test_latex_of_the_classes_escapes_and_uses_booktabs() -> None:
    text = latex_table(summary(LABELS))
    lines = text.split("\n")
    assert lines[0] == r"\begin{table}"
    assert r"\begin{tabular}{lrrrrrr}" in lines
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    named = r"50\% \_leaf\_ \& \{a\textbar{}b\} \#1 \$x\textasciicircum{}2\$ \textbackslash{} \textasciitilde{} & 0.875"
    assert sum(line.startswith(named) for line in lines) == 1
    (caption,) = [line for line in lines if line.startswith(r"\caption{")]
    assert "Void pixels: exclude (pixels whose truth is void count nowhere)" in caption
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("table", [markdown_table, latex_table])
def test_the_overall_table_has_both_ways_to_average(table: Callable[[Mapping[str, Any], Which], str]) -> None:
    content = summary(LABELS)
    content["overall"]["cohens_kappa_dataset"] = {"value": -0.25, "low": None, "high": None}
    content["overall"]["mean_dice_dataset"] = {"value": None, "low": None, "high": None}
    text = table(content, "overall")
    (kappa,) = [line for line in text.split("\n") if "Cohen" in line]
    (dice,) = [line for line in text.split("\n") if "Mean Dice" in line]
    assert ("−0.250 |" in kappa) or ("$-$0.250 &" in kappa)
    assert ("| – |" in dice) or ("& -- &" in dice)
    assert "Over all pixels" in text
    assert "Mean over images" in text
    assert r"$\kappa$" in text or "κ" in text


def test_names_cannot_break_a_table() -> None:
    content = summary(LabelMap(names=("a\nb | c", HOSTILE)))
    assert len(markdown_table(content).strip().split("\n")) == 2 + 2 + 2
    assert "| a b \\| c |" in markdown_table(content)
    assert "\\<script\\>" in markdown_table(content)


@pytest.mark.parametrize("which", ["overall", "classes"])
def test_the_texts_are_there_without_a_script(which: Which) -> None:
    content = summary(classes(2)) | {"conventions": {"void": HOSTILE}}
    page = Page(copying(content, which))
    assert page.count("textarea") == page.count("label") == 2
    assert page.count("button", data_copy=f"{which}-markdown", type="button") == 1
    assert all("hidden" in attributes for tag, attributes in page.tags if tag == "button")
    assert page.count("script") == 0
