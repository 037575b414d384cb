"""What people write for an option, as the value it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from intarsia.errors import RecipeError

_UNITS: dict[str, int] = {"": 1, "B": 1} | {
    f"{prefix}{ending}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for ending, base in (("B", 1000), ("IB", 1024), ("", 1000))
}


def one_of(value: str, choices: Sequence[Any], where: str) -> Any:
    """The choice a person named.

    Raises:
        RecipeError: there is none of this name.
    """
    if value in choices:
        return value
    raise RecipeError(f"there is no {value!r}", where=where, remedy=f"Choose of {', '.join(choices)}")


def bytes_of(text: str) -> int | None:
    """``2GB`` as a number of bytes; None for no text.

    Raises:
        RecipeError: it is no size.
    """
    if not text:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise RecipeError(
            f"{text!r} is no size", where="--memory", remedy="Give a number and a unit: 2GB, 800MB, 1.5GiB"
        )
    return int(float(found[1]) * _UNITS[found[2].upper()])
