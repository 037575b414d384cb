"""The sufficient statistics of every picture, from which every reported figure is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped

from intarsia.errors import DataError
from intarsia.metrics.confusion import confusion_matrix
from intarsia.types import LabelMap


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """The confusion counts of each picture.

    Args:
        label_map: the K classes.
        names: what each picture is called; unique.
        groups: what each picture belongs to and is not independent of (a patient, a video); its own name when nothing.
        confusion: int64 [images, K+1, K+1] as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them.

    Raises:
        DataError: no picture at all, or two of the same name.
    """

    label_map: LabelMap
    names: tuple[str, ...]
    groups: tuple[str, ...]
    confusion: Int64[np.ndarray, "images k1 k1"]

    def __post_init__(self) -> None:
        size = self.label_map.num_classes + 1
        assert self.confusion.shape == (len(self.names), size, size)
        assert len(self.groups) == len(self.names)
        if not self.names:
            raise DataError(
                "there is not one picture to score", where="score table", remedy="Give at least one picture with a mask"
            )
        if len(set(self.names)) < len(self.names):
            raise _repeated(next(name for name in self.names if self.names.count(name) > 1))

    @property
    def dataset(self) -> Int64[np.ndarray, "k1 k1"]:
        """The counts over all pictures, as if they were one."""
        total: Int64[np.ndarray, "k1 k1"] = self.confusion.sum(axis=0)
        return total

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold, read back by :meth:`from_dict`; only the non-zero counts are listed."""
        rows = self.confusion.reshape(len(self.names), -1)
        filled = [np.flatnonzero(row) for row in rows]
        return {
            "label_map": self.label_map.to_dict(),
            "names": list(self.names),
            "groups": list(self.groups),
            "cells": [cells.tolist() for cells in filled],
            "counts": [row[cells].tolist() for row, cells in zip(rows, filled, strict=True)],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ScoreTable:
        """Read the plain form."""
        label_map = LabelMap.from_dict(content["label_map"])
        size = label_map.num_classes + 1
        rows = np.zeros((len(content["names"]), size * size), np.int64)
        for row, cells, counts in zip(rows, content["cells"], content["counts"], strict=True):
            row[cells] = counts
        return cls(label_map, tuple(content["names"]), tuple(content["groups"]), rows.reshape(len(rows), size, size))


class ScoreTableBuilder:
    """Fill a :class:`ScoreTable` one picture at a time, in one pass.

    Args:
        label_map: the classes.
    """

    def __init__(self, label_map: LabelMap) -> None:
        self._label_map = label_map
        self._groups: dict[str, str] = {}
        self._confusion: list[np.ndarray] = []

    def add(
        self,
        name: str,
        truth: Shaped[np.ndarray, "*truth_size"],
        predicted: Shaped[np.ndarray, "*predicted_size"],
        group: str | None = None,
        where: str | Path | None = None,
    ) -> None:
        """Count one picture; a picture that cannot be counted is not added.

        Args:
            name: what the picture is called.
            truth: class ids, uint8 or uint16 [H, W].
            predicted: class ids, uint8 or uint16 [H, W].
            group: what the picture belongs to (a patient, a video); default is the picture alone.
            where: what to call the picture in an error, its file for instance; default is its name.

        Raises:
            DataError: a name that was added before, or an id that is neither a class nor the ignore id.
            ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        """
        if name in self._groups:
            raise _repeated(name)
        self._confusion.append(
            confusion_matrix(truth, predicted, self._label_map, where=name if where is None else where)
        )
        self._groups[name] = name if group is None else group

    def table(self) -> ScoreTable:
        """The table of the pictures added so far.

        Raises:
            DataError: none was added.
        """
        size = self._label_map.num_classes + 1
        confusion = np.array(self._confusion, np.int64).reshape(-1, size, size)
        return ScoreTable(self._label_map, tuple(self._groups), tuple(self._groups.values()), confusion)


def _repeated(name: str) -> DataError:
    return DataError(
        f"the picture {name!r} would be counted twice", where="score table", remedy="Give every picture its own name"
    )
