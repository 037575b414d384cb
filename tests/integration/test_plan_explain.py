"""``intarsia plan --explain`` as people and programs see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import call
from intarsia.train.explain_task import QUESTIONS
from intarsia.train.recipe import parse_recipe, read_recipe


def test_the_plan_is_explained_in_words(tiny_data: Path) -> None:
    result = call("plan", tiny_data, "--explain")
    assert result.code == 0, result.error
    for part in ("Why the recipe is what it is", "  loss.class_weights: ", "Recommended", "semantic, with U-Net"):
        assert part in result.out
    assert all(question.text in result.out for question in QUESTIONS)
    assert "Only you can tell:" in result.out
    assert "(--answer count=yes)" in result.out


def test_json_holds_the_recipe_and_its_explanation(tiny_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "recipe.yaml"
    result = call("plan", tiny_data, "--explain", "--json", "--out", out)
    content = json.loads(result.out)
    assert parse_recipe(content["recipe"]) == read_recipe(out)
    explanation = content["explanation"]
    assert {answered["key"] for answered in explanation["answers"]} == {question.key for question in QUESTIONS}
    assert explanation["recommendation"]["architecture"]["key"] == "unet"
    assert explanation["recommendation"]["usable"] is True
    assert json.loads(call("plan", tiny_data, "--json").out) == content["recipe"]


def test_your_answers_change_the_recommendation(tiny_data: Path) -> None:
    answers = ("--answer", "count=yes", "--answer", "touch=yes", "--answer", "every=yes")
    result = call("plan", tiny_data, "--explain", *answers)
    assert "panoptic, with Mask2Former (Cheng et al. 2022): the field's standard, not in this version yet" in result.out
    assert "as you say" in result.out
    assert "Train semantic with a U-Net" in result.out


@pytest.mark.parametrize(
    ("answer", "said"), [("counts=yes", "there is no question 'counts'"), ("count=maybe", "count=no or count=yes")]
)
def test_an_answer_to_nothing_is_one_line(tiny_data: Path, answer: str, said: str) -> None:
    result = call("plan", tiny_data, "--explain", "--answer", answer)
    assert result.code == 1
    assert result.error.count("\n") == 1
    assert said in result.error
