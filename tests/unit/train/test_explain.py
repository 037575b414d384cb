"""Why a plan is what it is, and which task suits the data."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import RecipeError
from intarsia.train import planner
from intarsia.train.explain import Answered, Explanation, explain
from intarsia.train.explain_task import ARCHITECTURES, QUESTIONS, parse_answers, recommend
from intarsia.train.planner import plan_for
from intarsia.train.prepare import prepare
from intarsia.train.recipe import DataPart, Recipe

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "choosing-a-task.md"
Draw = Callable[[np.ndarray, int], None]


def write(folder: Path, draw: Draw, pictures: int = 6, size: int = 64, classes: str = "[background, cell]") -> Path:
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for i in range(pictures):
        mask = np.zeros((size, size), np.uint8)
        draw(mask, i)
        Image.fromarray(random.integers(0, 256, (size, size), dtype=np.uint8)).save(folder / f"images/{i}.png")
        Image.fromarray(mask).save(folder / f"masks/{i}.png")
    (folder / "classes.yaml").write_text(f"classes: {classes}\n")
    return folder


def disc(mask: np.ndarray, row: int, column: int, radius: float, label: int = 1) -> None:
    rows, columns = np.indices(mask.shape)
    mask[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = label


def apart(mask: np.ndarray, _: int) -> None:
    disc(mask, 16, 16, 9)
    disc(mask, 44, 44, 9)


def touching(mask: np.ndarray, _: int) -> None:
    disc(mask, 30, 20, 10)
    disc(mask, 30, 38, 10)


def explained(folder: Path, available: tuple[str, ...] = ("unet",), **given: str) -> tuple[Recipe, Explanation]:
    part = DataPart(folder=str(folder))
    data = prepare(part, seed=0)
    recipe = plan_for(part, data)
    return recipe, explain(recipe, data, available=available, given=given)


def by_key(explanation: Explanation) -> dict[str, Answered]:
    return {answered.key: answered for answered in explanation.answers}


def keys(content: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in content.items():
        yield from keys(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]


def test_every_key_of_the_recipe_has_its_reason(tmp_path: Path) -> None:
    recipe, explanation = explained(write(tmp_path, apart))
    assert [reason.key for reason in explanation.reasons] == list(keys(recipe.model_dump(mode="json")))
    assert all(reason.why for reason in explanation.reasons)


def test_reasons_name_the_numbers_of_the_data_and_of_the_planner(tmp_path: Path) -> None:
    recipe, explanation = explained(write(tmp_path, lambda mask, i: disc(mask, 30, 30, 4), size=300))
    why = {reason.key: reason.why for reason in explanation.reasons}
    assert (
        f"300 wide (median 300) and 300 high (median 300): the median, at most {planner._WINDOW}" in why["augment.crop"]
    )
    assert f"to {256 // 2**4} at the coarsest" in why["model.arguments"]
    train = 4
    assert f"{train} training pictures, each shown {planner._PASSES} times" in why["steps_per_round"]
    assert f"raised to {planner._FEWEST_STEPS}" in why["steps_per_round"]
    ratio = (300 * 300 - 49) / 49
    assert (
        f"background has {ratio:.1f} times the pixels of cell, and the limit is {planner._IMBALANCE} times: unw"
        in (why["loss.class_weights"])
    )
    assert "4 train, 1 val, 1 test" in why["data.val"]
    assert str(recipe.steps) in why["optimizer.warmup_steps"]


@pytest.mark.parametrize(("constant", "value"), [("_IMBALANCE", 3), ("_PASSES", 777), ("_MOST_STEPS", 400)])
def test_reasons_follow_the_planner_s_constants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str, value: int
) -> None:
    monkeypatch.setattr(planner, constant, value)
    monkeypatch.setattr(planner, "_BATCH", 1)
    _, explanation = explained(write(tmp_path, apart, pictures=20))
    assert any(str(value) in reason.why for reason in explanation.reasons)


def test_small_pictures_of_one_size_are_not_cut(tmp_path: Path) -> None:
    why = {reason.key: reason.why for reason in explained(write(tmp_path, apart))[1].reasons}
    assert "all pictures are 64×64" in why["augment.crop"]
    assert "no class is rare enough" in why["loss.class_weights"]


def test_things_that_lie_apart_are_told_from_things_that_touch(tmp_path: Path) -> None:
    lone, clumped = (by_key(explained(write(tmp_path / d.__name__, d))[1])["touch"] for d in (apart, touching))
    assert lone.answer == "no"
    assert lone.evidence.startswith("0 of 12 connected pieces (0%) in 6 masks")
    assert clumped.answer == "yes"
    assert clumped.evidence.startswith("6 of 6 connected pieces (100%) in 6 masks")


@pytest.mark.parametrize(("radius", "answer"), [(2, "tiny"), (9, "small"), (20, "large")])
def test_the_smallest_thing_is_measured(tmp_path: Path, radius: int, answer: str) -> None:
    found = by_key(explained(write(tmp_path, lambda mask, i: disc(mask, 30, 30, radius)))[1])["smallest"]
    assert found.answer == answer
    across = float(re.findall(r"disc ([\d.]+) pixels", found.evidence)[0])
    assert across == pytest.approx(2 * radius, rel=0.1)


def test_pictures_are_counted_and_background_is_known_by_its_name(tmp_path: Path) -> None:
    answers = by_key(explained(write(tmp_path / "a", apart))[1])
    assert (answers["pictures"].answer, answers["pictures"].evidence) == ("few", "there are 6")
    assert answers["every"].answer == "no"
    assert answers["every"].evidence == "the masks set 1 kind of things apart from background"

    def landscape(mask: np.ndarray, _: int) -> None:
        mask[20:40], mask[40:] = 1, 2

    answers = by_key(explained(write(tmp_path / "b", landscape, classes="[sky, wood, road]"))[1])
    assert answers["every"].answer == "yes"
    assert answers["every"].evidence == "the masks give every pixel one of 3 classes, except 0.0% that are void"
    assert "all classes but road; mark those to count with `thing: true`" in answers["touch"].evidence


def test_things_are_those_the_class_list_marks(tmp_path: Path) -> None:
    def scene(mask: np.ndarray, _: int) -> None:
        touching(mask, 0)
        disc(mask, 55, 55, 2, label=2)

    marked = "[background, wood, {id: 2, name: car, thing: true}]"
    folder = write(
        tmp_path,
        scene,
        classes=marked.replace("background", "{id: 0, name: background}").replace(" wood", " {id: 1, name: wood}"),
    )
    answers = by_key(explained(folder)[1])
    assert answers["touch"].answer == "no"
    assert "6 connected pieces of car" in answers["smallest"].evidence


def test_masks_without_things_leave_the_question_open(tmp_path: Path) -> None:
    def other(mask: np.ndarray, i: int) -> None:
        mask[:, 32:] = 255

    folder = write(tmp_path, other, classes="[background, cell]")
    (folder / "classes.yaml").write_text("classes: [background, rest]\nignore: 255\n")
    Image.fromarray(np.ones((64, 64), np.uint8)).save(folder / "masks/0.png")
    answers = by_key(explained(folder)[1])
    assert answers["touch"].answer is None
    assert answers["touch"].source == "open"
    assert set(answers["touch"].means) == {"no", "yes"}


def test_questions_no_mask_can_answer_stay_open_until_you_answer(tmp_path: Path) -> None:
    folder = write(tmp_path, touching)
    _, open_ended = explained(folder)
    assert [key for key, answered in by_key(open_ended).items() if answered.source == "open"] == ["count", "live"]
    assert open_ended.recommendation.task == "semantic"
    assert any("If “yes”: instance, with Mask R-CNN" in change for change in open_ended.recommendation.unless)
    _, answered = explained(folder, count="yes", touch="yes")
    assert by_key(answered)["count"].source == "you"
    assert answered.recommendation.task == "instance"
    assert not answered.recommendation.usable
    assert "every connected piece for one thing" in answered.recommendation.meanwhile
    _, corrected = explained(folder, count="yes", touch="no")
    assert corrected.recommendation.task == "semantic"


@pytest.mark.parametrize(
    ("answers", "task", "architecture"),
    [
        ({}, "semantic", "unet"),
        ({"count": "no", "touch": "yes", "every": "yes"}, "semantic", "unet"),
        ({"count": "yes", "touch": "no", "every": "yes"}, "semantic", "unet"),
        ({"count": "yes", "touch": "yes", "every": "no"}, "instance", "mask_rcnn"),
        ({"count": "yes", "touch": "yes", "every": "yes"}, "panoptic", "mask2former"),
        ({"pictures": "many", "smallest": "large"}, "semantic", "segformer"),
        ({"pictures": "many", "smallest": "tiny"}, "semantic", "unet"),
        ({"live": "yes", "pictures": "many"}, "semantic", "fast_scnn"),
    ],
)
def test_answers_lead_to_a_task_and_an_architecture(answers: dict[str, str], task: str, architecture: str) -> None:
    chosen = recommend(answers, ["unet"])
    assert (chosen.task, chosen.architecture.key) == (task, architecture)
    assert chosen.usable == (architecture == "unet")
    assert bool(chosen.meanwhile) != chosen.usable


def test_every_combination_of_answers_has_a_recommendation_and_true_alternatives() -> None:
    for combination in itertools.product(*((None, *question.answers) for question in QUESTIONS)):
        answers = {q.key: a for q, a in zip(QUESTIONS, combination, strict=True) if a is not None}
        chosen = recommend(answers, ["unet"])
        assert len(chosen.unless) == len(set(chosen.unless))
        for question, answer in ((q, a) for q in QUESTIONS for a in q.answers):
            other = recommend({**answers, question.key: answer}, ["unet"])
            changes = (other.task, other.architecture) != (chosen.task, chosen.architecture)
            said = f"{question.text} If “{answer}”: {other.task}, with {other.architecture.name}"
            assert changes == (said in chosen.unless)


def test_what_the_registry_gains_becomes_usable() -> None:
    assert recommend({"live": "yes"}, ["unet", "fast_scnn"]).usable
    both = recommend({"count": "yes", "touch": "yes"}, ["unet", "mask_rcnn"])
    assert not both.usable  # the registry has the network, but only the task semantic can be trained


def test_answers_are_read_and_mistakes_named() -> None:
    assert parse_answers(["count=yes", "live=no"]) == {"count": "yes", "live": "no"}
    with pytest.raises(RecipeError, match=r"--answer size=9: there is no question 'size'\. Answer one of count, touch"):
        parse_answers(["size=9"])
    with pytest.raises(RecipeError, match=r"--answer count: '' is no answer to it\. Write count=no or count=yes"):
        parse_answers(["count"])


def test_the_page_holds_the_same_questions_answers_and_architectures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [
        f"| `{question.key}` | {'' if at else question.text} | {option.answer} | {option.means} |"
        for question in QUESTIONS
        for at, option in enumerate(question.options)
    ]
    assert re.findall(r"^\| `.*", page, re.MULTILINE) == rows
    listed = re.findall(r"^\| ([^|]+) \| `(\w+)` \| \w+ \| .* \| ([^|]+) \|$", page, re.MULTILINE)
    assert listed == [(each.name, each.key, each.source) for each in ARCHITECTURES]
