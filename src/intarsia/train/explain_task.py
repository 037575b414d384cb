"""Which task and which architecture: questions a newcomer can answer, and what follows from the answers.

``docs/explanation/choosing-a-task.md`` holds the same questions, answers and architectures; a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from intarsia.errors import RecipeError

Task = Literal["semantic", "instance", "panoptic"]

FEW, MANY = 30, 1000
"""Labeled pictures: fewer than the first is few, from the second on it is many."""

TINY, SMALL = 8, 32
"""Pixels across: smaller than the first is tiny, smaller than the second is small."""


@dataclass(frozen=True)
class Option:
    """One answer to a question, and what it means for the choice."""

    answer: str
    means: str


@dataclass(frozen=True)
class Question:
    """A question, called ``key`` on the command line, with its possible answers."""

    key: str
    text: str
    options: tuple[Option, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        """The possible answers."""
        return tuple(option.answer for option in self.options)

    def means(self, answer: str) -> str:
        """What one of the answers means."""
        return next(option.means for option in self.options if option.answer == answer)


QUESTIONS = (
    Question(
        "count",
        "Do you need to count things, or tell one from the next?",
        (
            Option("no", "semantic: one class a pixel is all you need"),
            Option("yes", "whether things touch decides between semantic and instance"),
        ),
    ),
    Question(
        "touch",
        "Do things of one kind touch or overlap?",
        (
            Option("no", "semantic is enough to count: every connected piece is one thing"),
            Option("yes", "if you count: instance, because things that touch come out of semantic as one piece"),
        ),
    ),
    Question(
        "every",
        "Does every pixel need a label, background such as road and sky included?",
        (
            Option("no", "if you count things that touch: instance, which labels the things and nothing else"),
            Option("yes", "if you count things that touch: panoptic, which also labels what is around them"),
        ),
    ),
    Question(
        "pictures",
        "How many labeled pictures are there?",
        (
            Option(
                "few", f"fewer than {FEW}: a U-Net, on a pretrained encoder if there is one; hold some back to test"
            ),
            Option("some", f"{FEW} to {MANY - 1}: a U-Net, from scratch or on a pretrained encoder"),
            Option("many", f"{MANY} or more: larger networks such as SegFormer begin to pay"),
        ),
    ),
    Question(
        "smallest",
        "How small is the smallest thing, in pixels across?",
        (
            Option("tiny", f"less than {TINY}: a U-Net, whose last layers see every pixel; never shrink the pictures"),
            Option("small", f"{TINY} to {SMALL - 1}: any architecture; never shrink the pictures"),
            Option("large", f"{SMALL} or more: any architecture; pictures may be shrunk to train faster"),
        ),
    ),
    Question(
        "live",
        "Must it run live, on video for instance?",
        (
            Option("no", "take the more accurate network"),
            Option("yes", "a network made for speed: Fast-SCNN; things one by one at that speed are rarely as exact"),
        ),
    ),
)
"""In the order in which they are asked."""


@dataclass(frozen=True)
class Architecture:
    """One the field uses for a task, called ``key`` in the registry once it is there."""

    key: str
    name: str
    source: str


ARCHITECTURES = (
    Architecture("unet", "U-Net", "Ronneberger et al. 2015"),
    Architecture("segformer", "SegFormer", "Xie et al. 2021"),
    Architecture("fast_scnn", "Fast-SCNN", "Poudel et al. 2019"),
    Architecture("mask_rcnn", "Mask R-CNN", "He et al. 2017"),
    Architecture("mask2former", "Mask2Former", "Cheng et al. 2022"),
)
"""What may be recommended; whether it can be used is for the registry to say."""


@dataclass(frozen=True)
class Recommendation:
    """What the answers lead to.

    Args:
        task: the right one.
        architecture: the field's standard for it.
        usable: whether this version has it.
        meanwhile: what to do with this version where it has not; empty where it has.
        unless: single other answers that would change the choice, one sentence each.
    """

    task: Task
    architecture: Architecture
    usable: bool
    meanwhile: str
    unless: tuple[str, ...]


def parse_answers(given: Iterable[str]) -> dict[str, str]:
    """Read answers written as ``count=yes``.

    Raises:
        RecipeError: no such question, or no such answer to it; those there are are named.
    """
    answers = {}
    for text in given:
        key, _, answer = text.partition("=")
        question = next((question for question in QUESTIONS if question.key == key), None)
        if question is None:
            known = ", ".join(question.key for question in QUESTIONS)
            raise RecipeError(
                f"there is no question {key!r}", where=f"--answer {text}", remedy=f"Answer one of {known}, as count=yes"
            )
        if answer not in question.answers:
            choices = " or ".join(f"{key}={choice}" for choice in question.answers)
            raise RecipeError(f"{answer!r} is no answer to it", where=f"--answer {text}", remedy=f"Write {choices}")
        answers[key] = answer
    return answers


def recommend(answers: Mapping[str, str], available: Collection[str]) -> Recommendation:
    """Choose by the answers.

    Args:
        answers: by the key of the question; a question without an answer counts as its first.
        available: the keys of the registry of architectures.
    """
    task, architecture = _choose(answers)
    usable = task == "semantic" and architecture.key in available
    return Recommendation(task, architecture, usable, "" if usable else _MEANWHILE[task], _unless(answers))


_MEANWHILE: Mapping[Task, str] = {
    "semantic": "Train a U-Net, which this version has: the same task and masks, and a good start to compare with.",
    "instance": "Train semantic with a U-Net and take every connected piece for one thing: right where things lie"
    " apart, too few where they touch. Masks with a thin line of background between things that touch help.",
    "panoptic": "Train semantic with a U-Net, which labels every pixel, and take every connected piece of a countable"
    " class for one thing: right where things lie apart, too few where they touch.",
}


def _choose(answers: Mapping[str, str]) -> tuple[Task, Architecture]:
    by_key = {architecture.key: architecture for architecture in ARCHITECTURES}
    if answers.get("count") == "yes" and answers.get("touch") == "yes":
        if answers.get("every") == "yes":
            return "panoptic", by_key["mask2former"]
        return "instance", by_key["mask_rcnn"]
    if answers.get("live") == "yes":
        return "semantic", by_key["fast_scnn"]
    if answers.get("pictures") == "many" and answers.get("smallest") != "tiny":
        return "semantic", by_key["segformer"]
    return "semantic", by_key["unet"]


def _unless(answers: Mapping[str, str]) -> tuple[str, ...]:
    chosen = _choose(answers)
    found = []
    for question in QUESTIONS:
        for answer in question.answers:
            task, architecture = _choose({**answers, question.key: answer})
            if (task, architecture) != chosen:
                found.append(f"{question.text} If “{answer}”: {task}, with {architecture.name}")
    return tuple(found)
