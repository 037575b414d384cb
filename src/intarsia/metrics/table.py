"""The sufficient statistics of every picture, from which every reported figure is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from intarsia.errors import DataError
from intarsia.metrics.boundary import BoundaryCounts
from intarsia.metrics.calibration import CalibrationCounts, without_fine_bins
from intarsia.metrics.causes import CauseCounts
from intarsia.metrics.counts import array_from_plain, array_to_plain, from_plain, stack, to_plain
from intarsia.metrics.picture import PictureCounts, count_picture
from intarsia.types import LabelMap

_PARTS: dict[str, Any] = {"boundary": BoundaryCounts, "causes": CauseCounts, "calibration": CalibrationCounts}


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """What was counted of each picture.

    Args:
        label_map: the K classes.
        names: what each picture is called; unique.
        groups: what each picture belongs to and is not independent of (a patient, a video); its own name when nothing.
        confusion: int64 [images, K+1, K+1] as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them.
        boundary: counts of boundary figures, the first axis being images; None where they were not counted.
        causes: counts of the causes of errors, likewise.
        calibration: counts of calibration figures, likewise; None where there were no probabilities.

    Raises:
        DataError: no picture at all, or two of the same name.
    """

    label_map: LabelMap
    names: tuple[str, ...]
    groups: tuple[str, ...]
    confusion: Int64[np.ndarray, "images k1 k1"]
    boundary: BoundaryCounts | None = None
    causes: CauseCounts | None = None
    calibration: CalibrationCounts | None = None

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
        """A form JSON can hold, read back by :meth:`from_dict` but for the fine bins of confidence."""
        parts = {name: getattr(self, name) for name in _PARTS}
        if self.calibration is not None:  # the fine bins are most of all numbers here, and serve a single curve
            parts["calibration"] = without_fine_bins(self.calibration)
        return {
            "label_map": self.label_map.to_dict(),
            "names": list(self.names),
            "groups": list(self.groups),
            "confusion": array_to_plain(self.confusion),
            **{name: to_plain(part) for name, part in parts.items() if part is not None},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ScoreTable:
        """Read the plain form."""
        return cls(
            LabelMap.from_dict(content["label_map"]),
            tuple(content["names"]),
            tuple(content["groups"]),
            array_from_plain(content["confusion"]),
            **{name: from_plain(kind, content[name]) for name, kind in _PARTS.items() if name in content},
        )


class ScoreTableBuilder:
    """Fill a :class:`ScoreTable` one picture at a time, in one pass.

    Args:
        label_map: the classes.
    """

    def __init__(self, label_map: LabelMap) -> None:
        self._label_map = label_map
        self._groups: dict[str, str] = {}
        self._counts: list[PictureCounts] = []

    def add(
        self,
        name: str,
        truth: Shaped[np.ndarray, "*truth_size"],
        predicted: Shaped[np.ndarray, "*predicted_size"],
        group: str | None = None,
        where: str | Path | None = None,
        probabilities: Float32[np.ndarray, "classes height width"] | None = None,
    ) -> None:
        """Count one picture; a picture that cannot be counted is not added.

        Args:
            name: what the picture is called.
            truth: class ids, uint8 or uint16 [H, W].
            predicted: class ids, uint8 or uint16 [H, W].
            group: what the picture belongs to (a patient, a video); default is the picture alone.
            where: what to call the picture in an error, its file for instance; default is its name.
            probabilities: of each class, [K, H, W], if the prediction has them.

        Raises:
            DataError: a name that was added before, or an id that is neither a class nor the ignore id.
            ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        """
        place = name if where is None else where
        counts = count_picture(truth, predicted, self._label_map, probabilities=probabilities, where=place)
        self.add_counts(name, counts, group)

    def add_counts(self, name: str, counts: PictureCounts, group: str | None = None) -> None:
        """Add a picture that was counted elsewhere, in another thread for instance; arguments as in :meth:`add`.

        Raises:
            DataError: a name that was added before, or a picture with probabilities among ones without, or the reverse.
        """
        if name in self._groups:
            raise _repeated(name)
        if self._counts and (counts.calibration is None) != (self._counts[0].calibration is None):
            raise DataError(
                "some pictures have probabilities and others have none",
                where=name,
                remedy="Give the probabilities of every picture, or of none",
            )
        self._counts.append(counts)
        self._groups[name] = name if group is None else group

    def table(self) -> ScoreTable:
        """The table of the pictures added so far.

        Raises:
            DataError: none was added.
        """
        size = self._label_map.num_classes + 1
        confusion = np.array([counts.confusion for counts in self._counts], np.int64).reshape(-1, size, size)
        parts = {name: _stacked([getattr(counts, name) for counts in self._counts]) for name in _PARTS}
        return ScoreTable(self._label_map, tuple(self._groups), tuple(self._groups.values()), confusion, **parts)


def _stacked(pictures: list[Any]) -> Any:
    """The counts of all pictures, or None where they were not counted."""
    return stack(pictures) if pictures and pictures[0] is not None else None


def _repeated(name: str) -> DataError:
    return DataError(
        f"the picture {name!r} would be counted twice", where="score table", remedy="Give every picture its own name"
    )
