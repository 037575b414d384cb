"""What is counted of a picture, in a form that adds up over pictures.

Sufficient statistics live in frozen dataclasses whose array fields are additive counts and whose other fields say how
they were counted (a tolerance, the edges of bins). Of one picture the arrays have their own shape; of many, one more
axis in front. The functions here stack them, add them up and turn them into JSON, whatever the dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

Counts = TypeVar("Counts")


def stack(pictures: Sequence[Counts]) -> Counts:
    """Put the counts of pictures, all counted in the same way, along a new first axis."""
    arrays = {name: np.stack([getattr(picture, name) for picture in pictures]) for name in array_fields(pictures[0])}
    settings = [_settings(picture) for picture in pictures]
    assert all(each == settings[0] for each in settings), "pictures were not counted in the same way"
    return _with(pictures[0], arrays)


def total(counts: Counts) -> Counts:
    """Add up along the first axis: the counts of a data set, as if its pictures were one."""
    return _with(counts, {name: getattr(counts, name).sum(axis=0) for name in array_fields(counts)})


def select(counts: Counts, index: int) -> Counts:
    """The counts of one picture of many."""
    return _with(counts, {name: getattr(counts, name)[index] for name in array_fields(counts)})


def flatten(counts: Counts) -> np.ndarray:
    """The arrays of many pictures side by side, float64 [images, cells]: what resampling adds up."""
    arrays = [getattr(counts, name) for name in array_fields(counts)]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1).astype(np.float64)


def unflatten(like: Counts, cells: np.ndarray) -> Counts:
    """Undo :func:`flatten`: ``cells`` [batch, cells] as arrays [batch, …] in the order of the fields of ``like``.

    Args:
        like: counts of many pictures, of which ``cells`` holds sums.
        cells: float64, exact below 2⁵³.
    """
    arrays, start = {}, 0
    for name in array_fields(like):
        shape = getattr(like, name).shape[1:]
        stop = start + int(np.prod(shape))
        arrays[name] = cells[:, start:stop].reshape(len(cells), *shape)
        start = stop
    return _with(like, arrays)


def to_plain(counts: Any) -> dict[str, Any]:
    """A form JSON can hold, read back by :func:`from_plain`; of arrays, only the entries that are not zero."""
    return {**_settings(counts), **{name: array_to_plain(getattr(counts, name)) for name in array_fields(counts)}}


def from_plain(kind: type[Counts], content: Mapping[str, Any]) -> Counts:
    """Read the plain form of a dataclass of counts."""
    return kind(**{name: _value_from_plain(value) for name, value in content.items()})


def array_to_plain(array: np.ndarray) -> dict[str, Any]:
    """Shape, dtype, and the cells that are not zero with their values; row by row, where the first axis is images."""
    rows = array.reshape(array.shape[0], -1) if array.ndim > 1 else array[None]
    filled = [np.flatnonzero(row) for row in rows]
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "cells": [cells.tolist() for cells in filled],
        "counts": [row[cells].tolist() for row, cells in zip(rows, filled, strict=True)],
    }


def array_from_plain(content: Mapping[str, Any]) -> np.ndarray:
    """Read the plain form of an array."""
    shape = tuple(content["shape"])
    array = np.zeros(shape, content["dtype"])
    rows = array.reshape(shape[0], -1) if len(shape) > 1 else array[None]
    for row, cells, counts in zip(rows, content["cells"], content["counts"], strict=True):
        row[cells] = counts
    return array


def _value_from_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return array_from_plain(value)
    return tuple(value) if isinstance(value, list) else value


def array_fields(counts: Any) -> list[str]:
    """The names of the fields that hold additive arrays, in order."""
    assert is_dataclass(counts)
    return [field.name for field in fields(counts) if isinstance(getattr(counts, field.name), np.ndarray)]


def _settings(counts: Any) -> dict[str, Any]:
    arrays = set(array_fields(counts))
    return {field.name: getattr(counts, field.name) for field in fields(counts) if field.name not in arrays}


def _with(counts: Counts, arrays: Mapping[str, np.ndarray]) -> Counts:
    changed: Counts = replace(counts, **arrays)  # type: ignore[type-var]  # a dataclass, as array_fields asserts
    return changed
