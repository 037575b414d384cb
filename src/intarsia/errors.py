"""Every error a person can meet, as one family.

::

    IntarsiaError(ValueError)     something a person handed over cannot be used as it is
    ├── DataError                 a picture, mask, folder or class list
    ├── RecipeError               a recipe file, or an override of one of its keys
    ├── ModelFileError            a model file or foreign checkpoint
    ├── ShapeError                an array whose shape or dtype does not fit the call
    ├── FetchError                a named data set or weights that could not be fetched
    └── OutputError               a result that could not be written (disk full, no permission)

Each says what was found, where, and what to do: the constructor asks for all three, so none can be forgotten.
Violations of our own invariants are ``assert`` statements, never members of this family.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LISTED = 5


class IntarsiaError(ValueError):
    """What was found, where it was found, and what to do about it, in one line.

    Args:
        found: the fact, without a full stop ("the mask holds id 7, which is not a class").
        where: the file, files, key or argument it concerns; of many, the first five are named and the rest counted.
        remedy: what the reader can do now, as an imperative sentence without a full stop.
    """

    def __init__(self, found: str, *, where: str | Path | Sequence[str | Path], remedy: str) -> None:
        self.found = found
        self.where = (where,) if isinstance(where, str | Path) else tuple(where)
        self.remedy = remedy
        super().__init__(f"{_listing(self.where)}: {found}. {remedy}.")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from args by default, which loses keyword-only arguments on the way out of a worker.
        return _rebuild, (type(self), self.found, self.where, self.remedy)


def _rebuild(kind: type[IntarsiaError], found: str, where: tuple[str | Path, ...], remedy: str) -> IntarsiaError:
    return kind(found, where=where, remedy=remedy)


def _listing(places: Sequence[str | Path]) -> str:
    shown = ", ".join(str(place) for place in places[:_LISTED])
    rest = len(places) - _LISTED
    return shown if rest <= 0 else f"{shown} and {rest} more"


class DataError(IntarsiaError):
    """A picture, mask, folder or class list that cannot be used as it is."""


class RecipeError(IntarsiaError):
    """A recipe file, or an override of one of its keys, that cannot be used as it is."""


class ModelFileError(IntarsiaError):
    """A model file or foreign checkpoint that cannot be used as it is."""


class ShapeError(IntarsiaError):
    """An array whose shape or dtype does not fit the call."""


class FetchError(IntarsiaError):
    """A named data set or named weights that could not be fetched."""


class OutputError(IntarsiaError):
    """A result that could not be written."""
