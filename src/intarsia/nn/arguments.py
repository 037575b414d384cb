"""Checks of the numbers and names people hand to a network's builder."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from intarsia.errors import RecipeError

_LIKENESS = 0.62  # of what is offered as meant; difflib's own 0.6 takes `encoder` for `decoder_width`
_DESCRIPTIONS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a name",
    Sequence[int]: "a list of whole numbers",
}
# No picture shows very many classes: the published Mask2Formers have 100 queries for the 150 classes of ADE20K.
_PLENTY_OF_QUERIES = 100


def check_kinds(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of another kind than a function's annotations say, so that "no" is not taken for true.

    Args:
        function: whose annotations are bool, int, float, str or sequences of int, or one of them or None.
        arguments: by their names.

    Raises:
        RecipeError: naming the argument and the value found.
    """
    annotations = typing.get_type_hints(function)
    for name, value in arguments.items():
        annotation = annotations[name]
        is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
        kinds = typing.get_args(annotation) if is_union else (annotation,)
        if not any(_is_of(value, kind) for kind in kinds):
            described = " or ".join(_DESCRIPTIONS[kind] for kind in kinds if kind is not types.NoneType)
            alternative = ", or leave it out" if types.NoneType in kinds else ""
            raise RecipeError(f"found {value!r}", where=f"argument `{name}`", remedy=f"Give {described}{alternative}")


def check_count(name: str, value: int) -> None:
    """Refuse what is not a whole number ≥ 1.

    Raises:
        RecipeError: naming the argument and the value found.
    """
    if not _is_of(value, int) or value < 1:
        raise RecipeError(f"found {value!r}", where=f"argument `{name}`", remedy="Give a whole number, 1 or larger")


def check_share(name: str, value: float) -> None:
    """Refuse what is not a number in [0, 1).

    Raises:
        RecipeError: naming the argument and the value found.
    """
    if not _is_of(value, float) or not 0 <= value < 1:
        raise RecipeError(f"found {value!r}", where=f"argument `{name}`", remedy="Give a number from 0 to below 1")


def check_queries(queries: int, num_classes: int) -> None:
    """Refuse fewer masks than a picture can show classes: those beyond would be left out in training.

    Raises:
        RecipeError: naming how many are needed: as many as classes, though never more than 100.
    """
    needed = min(num_classes, _PLENTY_OF_QUERIES)
    if queries < needed:
        raise RecipeError(
            f"found {queries}, too few masks to show {num_classes} classes",
            where="argument `queries`",
            remedy=f"Give {needed} or more",
        )


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Refuse what is not one of ``choices``.

    Raises:
        RecipeError: naming the nearest choice and all of them.
    """
    choices = list(choices)
    if value not in choices:
        raise RecipeError(
            f"found {value!r}", where=f"argument `{name}`", remedy=f"{nearest(value, choices)}{', '.join(choices)}"
        )


def nearest(value: str, choices: Iterable[str]) -> str:
    """The start of a remedy: ``Did you mean 'x'? Possible are: ``, without the question when nothing is near."""
    close = difflib.get_close_matches(str(value), choices, n=1, cutoff=_LIKENESS)
    return f"Did you mean {close[0]!r}? Possible are: " if close else "Possible are: "


def _is_of(value: object, kind: Any) -> bool:
    if kind == Sequence[int]:
        return isinstance(value, list | tuple) and all(_is_of(each, int) for each in value)
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)
