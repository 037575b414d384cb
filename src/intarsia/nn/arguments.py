"""Checks of the numbers and names people hand to a network's builder."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from intarsia.errors import RecipeError


def check_count(name: str, value: int) -> None:
    """Refuse what is not a whole number ≥ 1.

    Raises:
        RecipeError: naming the argument and the value found.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RecipeError(f"found {value!r}", where=f"argument `{name}`", remedy="Give a whole number, 1 or larger")


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
    close = difflib.get_close_matches(str(value), choices, n=1)
    return f"Did you mean {close[0]!r}? Possible are: " if close else "Possible are: "
