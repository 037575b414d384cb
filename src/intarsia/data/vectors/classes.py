"""Which classes a person asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from intarsia.errors import DataError
from intarsia.types import LabelMap


def indices_of(names: Iterable[str], label_map: LabelMap) -> list[int]:
    """The indices of named classes.

    Raises:
        DataError: a name that is no class; the nearest is offered.
    """
    return [_index(name, label_map) for name in names]


def _index(name: str, label_map: LabelMap) -> int:
    if name not in label_map.names:
        near = difflib.get_close_matches(name, label_map.names, n=1, cutoff=0.5)
        remedy = f"Did you mean {near[0]!r}" if near else f"The classes are {label_map.describe()}"
        raise DataError(f"there is no class {name!r}", where="classes", remedy=remedy)
    return label_map.names.index(name)
