"""The sufficient statistics of every picture, from which every reported figure is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped

from intarsia.errors import DataError
from intarsia.metrics.boundary import BoundaryCounts
from intarsia.metrics.calibration import CalibrationCounts, without_fine_bins
from intarsia.metrics.causes import CauseCounts
from intarsia.metrics.counts import array_from_plain, array_to_plain, from_plain, stack, to_plain, total
from intarsia.metrics.picture import DEFAULT_OPTIONS, CountOptions, PictureCounts, count_picture
from intarsia.metrics.surface import SurfaceCounts
from intarsia.types import LabelMap

_PARTS: dict[str, Any] = {
    "boundary": BoundaryCounts,
    "calibration": CalibrationCounts,
    "surface": SurfaceCounts,
}


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """What was counted of each picture.

    Args:
        label_map: the K classes.
        names: what each picture is called; unique.
        groups: what each picture belongs to and is not independent of (a patient, a video); its own name when nothing.
        confusion: int64 [images, K+1, K+1] as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them.
        boundary: counts of boundary figures, the first axis being images; None where they were not counted.
        causes: counts of the causes of errors of all images together: a picture's own are the most numbers of all, and
            no figure asks for them.
        calibration: counts of calibration figures, likewise; None where there were no probabilities.
        surface: counts of surface figures, likewise; None where the size of a pixel was not given.
        hausdorff: of each image and class the Hausdorff distances at the percentiles of
            :data:`~intarsia.metrics.picture.HAUSDORFF_PERCENTILES`, which do not add up: infinite where only one
            surface exists, NaN where neither does. None where ``surface`` is.
        spacing: the height and the width of every image's pixels; None where ``surface`` is.

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
    surface: SurfaceCounts | None = None
    hausdorff: Float64[np.ndarray, "images k 2"] | None = None
    spacing: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        size = self.label_map.num_classes + 1
        assert self.confusion.shape == (len(self.names), size, size)
        assert len(self.groups) == len(self.names)
        assert (self.surface is None) == (self.hausdorff is None) == (self.spacing is None)
        if not self.names:
            raise DataError(
                "there is not one picture to score", where="score table", remedy="Give at least one picture with a mask"
            )
        if len(set(self.names)) < len(self.names):
            raise _repeated(next(name for name in self.names if self.names.count(name) > 1))

    @property
    def dataset(self) -> Int64[np.ndarray, "k1 k1"]:
        """The counts over all pictures, as if they were one."""
        together: Int64[np.ndarray, "k1 k1"] = self.confusion.sum(axis=0)
        return together

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold, read back by :meth:`from_dict` but for the fine bins of confidence."""
        parts = {name: getattr(self, name) for name in (*_PARTS, "causes")}
        if self.calibration is not None:  # the fine bins are most of all numbers here, and serve a single curve
            parts["calibration"] = without_fine_bins(self.calibration)
        content: dict[str, Any] = {
            "label_map": self.label_map.to_dict(),
            "names": list(self.names),
            "groups": list(self.groups),
            "confusion": array_to_plain(self.confusion),
            **{name: to_plain(part) for name, part in parts.items() if part is not None},
        }
        if self.hausdorff is not None and self.spacing is not None:
            # JSON has neither infinity nor NaN: both are null, and the counts of surfaces tell which.
            plain = self.hausdorff.astype(object)
            plain[~np.isfinite(self.hausdorff)] = None
            content["hausdorff"] = plain.tolist()
            content["spacing"] = list(self.spacing)
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ScoreTable:
        """Read the plain form."""
        kinds = {**_PARTS, "causes": CauseCounts}
        parts = {name: from_plain(kind, content[name]) for name, kind in kinds.items() if name in content}
        if "surface" in parts:
            hausdorff = np.array(content["hausdorff"], np.float64)  # None becomes NaN
            surface = parts["surface"]
            hausdorff[surface.true_unmatched + surface.predicted_unmatched > 0] = np.inf
            parts |= {"hausdorff": hausdorff, "spacing": tuple(content["spacing"])}
        return cls(
            LabelMap.from_dict(content["label_map"]),
            tuple(content["names"]),
            tuple(content["groups"]),
            array_from_plain(content["confusion"]),
            **parts,
        )


class ScoreTableBuilder:
    """Fill a :class:`ScoreTable` one picture at a time, in one pass.

    Args:
        label_map: the classes.
        options: what to count, and with which tolerances.
    """

    def __init__(self, label_map: LabelMap, options: CountOptions = DEFAULT_OPTIONS) -> None:
        self._label_map = label_map
        self._options = options
        self._groups: dict[str, str] = {}
        self._confusion: list[np.ndarray] = []
        self._parts: dict[str, list[Any]] = {name: [] for name in _PARTS}
        self._hausdorff: list[np.ndarray | None] = []
        self._spacing: tuple[float, float] | None = None
        self._causes: CauseCounts | None = None

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
        counts = count_picture(
            truth, predicted, self._label_map, options=self._options, probabilities=probabilities, where=place
        )
        self.add_counts(name, counts, group)

    def add_counts(self, name: str, counts: PictureCounts, group: str | None = None) -> None:
        """Add a picture that was counted elsewhere, in another thread for instance; arguments as in :meth:`add`.

        Raises:
            DataError: a name that was added before, a picture with probabilities among ones without, or the reverse, or
                pixels of another size.
        """
        if name in self._groups:
            raise _repeated(name)
        if self._groups and (counts.calibration is None) != (self._parts["calibration"][0] is None):
            raise DataError(
                "some pictures have probabilities and others have none",
                where=name,
                remedy="Give the probabilities of every picture, or of none",
            )
        if self._groups and counts.spacing != self._spacing:
            raise DataError(
                "its pixels have another size than those of the pictures before it",
                where=name,
                remedy="Count all pictures with one spacing, or those of each spacing on their own",
            )
        self._confusion.append(counts.confusion)
        for part, pictures in self._parts.items():
            pictures.append(getattr(counts, part))
        self._hausdorff.append(counts.hausdorff)
        self._spacing = counts.spacing
        self._causes = counts.causes if self._causes is None else total(stack([self._causes, counts.causes]))
        self._groups[name] = name if group is None else group

    def table(self) -> ScoreTable:
        """The table of the pictures added so far.

        Raises:
            DataError: none was added.
        """
        size = self._label_map.num_classes + 1
        confusion = np.array(self._confusion, np.int64).reshape(-1, size, size)
        parts = {name: _stacked(pictures) for name, pictures in self._parts.items()}
        if parts["surface"] is not None:
            parts |= {"hausdorff": np.array(self._hausdorff, np.float64), "spacing": self._spacing}
        names, groups = tuple(self._groups), tuple(self._groups.values())
        return ScoreTable(self._label_map, names, groups, confusion, causes=self._causes, **parts)


def _stacked(pictures: list[Any]) -> Any:
    """The counts of all pictures, or None where they were not counted."""
    return stack(pictures) if pictures and pictures[0] is not None else None


def _repeated(name: str) -> DataError:
    return DataError(
        f"the picture {name!r} would be counted twice", where="score table", remedy="Give every picture its own name"
    )
