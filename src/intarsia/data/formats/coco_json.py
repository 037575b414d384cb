"""What COCO's JSON files have in common: lists of entries with typed fields, flags, and categories."""

from __future__ import annotations

import json
import reprlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from intarsia.errors import DataError
from intarsia.types import LabelMap


def read_json(path: Path, remedy: str, kind: type = dict) -> Any:
    """Read a JSON file whose outermost value is of ``kind``, an object or a list.

    Raises:
        DataError: a file that is missing, is no JSON, or holds something else; ``remedy`` says what to give.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or "no such file").lower()
        raise DataError(f"cannot be opened ({reason})", where=path, remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON, or is cut short ({error})", where=path, remedy=remedy) from error
    if not isinstance(content, kind):
        names = {"dict": "an object {…}", "list": "a list […]"}
        found = names.get(type(content).__name__, "neither an object nor a list")
        raise DataError(f"holds {found}, where {names[kind.__name__]} is expected", where=path, remedy=remedy)
    return content


def entries(
    content: Mapping[str, Any], key: str, where: str | Path, remedy: str, **fields: type
) -> list[dict[str, Any]]:
    """The list ``content[key]`` of objects that each have ``fields`` of the given types.

    Raises:
        DataError: there is no such list, or an entry lacks a field; ``remedy`` says what to give.
    """
    found = content.get(key)
    if not isinstance(found, list):
        raise DataError(f"has no list `{key}`", where=where, remedy=remedy)
    for place, entry in enumerate(found):
        given = entry if isinstance(entry, dict) else {}
        wrong = [name for name, kind in fields.items() if type(given.get(name)) is not kind]
        if wrong:
            words = {"int": "whole number", "list": "list", "str": "text"}[fields[wrong[0]].__name__]
            known = f" (id {reprlib.repr(given['id'])})" if wrong[0] != "id" and "id" in given else ""
            raise DataError(f"entry {place} of `{key}`{known} has no {words} `{wrong[0]}`", where=where, remedy=remedy)
    return found


def check_unique(values: Iterable[int | str], what: str, thing: str, where: str | Path) -> None:
    """Refuse values of ``what`` of which one stands for two things: one of the two would be lost.

    Raises:
        DataError: a value that is there more than once.
    """
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise DataError(
            f"the {what} {repeated[0]} stands for more than one {thing}",
            where=where,
            remedy=f"Give each {thing} its own {what}",
        )


def is_number(value: object) -> bool:
    """Whether a value of a JSON file is a finite number that a float64 can hold; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def flag(entry: Mapping[str, Any], key: str, default: bool, where: str | Path) -> bool:
    """The value of ``key``, which is 0, 1, true or false, or ``default`` if it is not there.

    Raises:
        DataError: something else; ``"0"`` would be taken for true.
    """
    value = entry.get(key, default)
    if not isinstance(value, int) or value not in (0, 1):
        raise DataError(
            f"has the `{key}` {reprlib.repr(value)}", where=where, remedy=f"Write `{key}` as 0 or 1, not as text"
        )
    return bool(value)


def read_categories(content: Mapping[str, Any], path: Path, remedy: str) -> LabelMap:
    """The categories as classes; those with ``isthing`` 0 are stuff, all others things.

    Raises:
        DataError: there are none, one of them has an ``isthing`` other than 0 or 1, or they contradict each other.
    """
    listed = entries(content, "categories", path, remedy, id=int, name=str)
    if not listed:
        raise DataError("has no categories", where=path, remedy=remedy)
    things = frozenset(e["id"] for e in listed if flag(e, "isthing", True, f"{path}, category {e['id']}"))
    names, ids = (tuple(entry[key] for entry in listed) for key in ("name", "id"))
    try:
        return LabelMap(names, ids, things=things)
    except DataError as error:
        raise DataError(error.found, where=path, remedy="Correct the `categories`") from error
