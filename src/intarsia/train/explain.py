"""Why a plan is what it is, in words, and which task suits the data: what ``intarsia plan --explain`` prints.

Numbers come from the data, from the recipe, and from the constants of :mod:`intarsia.train.planner`; nothing is printed
here. An answer the data give is evidence, not proof: whoever knows the pictures may answer otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from intarsia.train.explain_data import CORE, ClassPieces, measure_pieces
from intarsia.train.explain_recipe import Reason, explain_recipe
from intarsia.train.explain_task import FEW, MANY, QUESTIONS, SMALL, TINY, Recommendation, recommend
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import Recipe

COUNTLESS = ("background", "bg", "other", "rest", "none", "unlabeled", "unlabelled")
"""Names of classes that hold whatever is nothing else."""

_TOUCHING = 0.03  # from this share of clumped pieces on, things of one kind are said to touch


@dataclass(frozen=True)
class Answered:
    """A question with its answer.

    Args:
        key: of the question.
        question: its text.
        answer: one of its answers; None where neither the data nor you gave one.
        source: "data", "you", or "open".
        evidence: what the data say; empty where they say nothing.
        means: what the answer means; of an open question, what each answer would mean.
    """

    key: str
    question: str
    answer: str | None
    source: Literal["data", "you", "open"]
    evidence: str
    means: dict[str, str]


@dataclass(frozen=True)
class Explanation:
    """Why the recipe is what it is, and which task and architecture suit the data.

    Args:
        reasons: one for each key of the recipe, in its order.
        answers: one for each question, in the order of :data:`~intarsia.train.explain_task.QUESTIONS`.
        recommendation: what follows from the answers.
    """

    reasons: tuple[Reason, ...]
    answers: tuple[Answered, ...]
    recommendation: Recommendation

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return asdict(self)


def explain(
    recipe: Recipe,
    data: PreparedData,
    *,
    available: Collection[str],
    given: Mapping[str, str],
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Explain a plan, and go through the questions that lead to a task.

    Args:
        recipe: the plan.
        data: what it was made for.
        available: the keys of the registry of architectures.
        given: your own answers, by the key of the question; they go before those of the data.
        progress: called as ``progress(done, total)`` after each mask that is taken apart.

    Raises:
        DataError: a mask cannot be read.
    """
    items = [item for part in data.splits.values() for item in part]
    pieces, masks = measure_pieces(items, data.label_map, progress)
    things, how = _countable(pieces, data)
    found = {
        "touch": _touch(things, how, masks),
        "every": _every(data),
        "pictures": _pictures(len(items)),
        "smallest": _smallest(things, masks),
    }
    answers = {key: pair[0] for key, pair in found.items() if pair[0] is not None} | dict(given)
    answered = tuple(
        Answered(
            key=question.key,
            question=question.text,
            answer=answers.get(question.key),
            source="you" if question.key in given else "data" if question.key in answers else "open",
            evidence=found.get(question.key, (None, ""))[1],
            means={o.answer: o.means for o in question.options if answers.get(question.key) in (None, o.answer)},
        )
        for question in QUESTIONS
    )
    return Explanation(explain_recipe(recipe, data), answered, recommend(answers, available))


def _countable(pieces: tuple[ClassPieces, ...], data: PreparedData) -> tuple[list[ClassPieces], str]:
    """The classes whose pieces may be things, and how they were chosen.

    Those marked so, else all but background, else all but the most common one.
    """
    labels = data.label_map
    if labels.things:
        chosen = {name for name, i in zip(labels.names, labels.ids, strict=True) if i in labels.things}
        how = "the classes marked `thing` in classes.yaml"
    else:
        left_out = {name for name in labels.names if name.lower() in COUNTLESS}
        left_out = left_out or {labels.names[int(np.argmax(data.examination.summary().class_pixels))]}
        chosen = set(labels.names) - left_out
        how = f"all classes but {', '.join(sorted(left_out))}; mark those to count with `thing: true` in classes.yaml"
    return [each for each in pieces if each.name in chosen and each.areas.size], how


def _touch(things: list[ClassPieces], how: str, masks: int) -> tuple[str | None, str]:
    total, clumps = sum(each.areas.size for each in things), sum(each.clumps for each in things)
    if not total:
        return None, ""
    most = max(things, key=lambda each: each.clumps)
    names = f", {most.clumps} of them of {most.name}" if clumps and len(things) > 1 else ""
    evidence = (
        f"{clumps} of {total} connected pieces ({clumps / total:.0%}{names}) in {masks} masks fall apart when all that "
        f"is less than {CORE:.0%} as deep as their middle is taken off, as things that touch do"
    )
    return "yes" if clumps >= _TOUCHING * total else "no", evidence + (f" ({how})" if len(things) > 1 else "")


def _every(data: PreparedData) -> tuple[str, str]:
    names, ignored = data.label_map.names, data.examination.summary().ignored
    rest = [name for name in names if name.lower() in COUNTLESS]
    if rest or len(names) == 2:
        shown = rest[0] if rest else names[0]
        return "no", f"the masks set {len(names) - 1} kind{'s' * (len(names) > 2)} of things apart from {shown}"
    return "yes", f"the masks give every pixel one of {len(names)} classes, except {ignored:.1%} that are void"


def _pictures(count: int) -> tuple[str, str]:
    answer = "few" if count < FEW else "some" if count < MANY else "many"
    return answer, f"there {'is' if count == 1 else 'are'} {count}"


def _smallest(things: list[ClassPieces], masks: int) -> tuple[str | None, str]:
    if not things:
        return None, ""
    least = min(things, key=lambda each: each.small)
    answer = "tiny" if least.small < TINY else "small" if least.small < SMALL else "large"
    evidence = (
        f"one in twenty of the {least.areas.size} connected pieces of {least.name} in {masks} masks is smaller than a "
        f"disc {least.small:.1f} pixels across"
    )
    return answer, evidence
