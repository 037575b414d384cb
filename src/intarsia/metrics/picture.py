"""Everything that is counted of one picture, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from intarsia.metrics.boundary import BoundaryCounts, boundary_counts
from intarsia.metrics.calibration import CalibrationCounts, calibration_counts
from intarsia.metrics.causes import CauseCounts, cause_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.types import LabelMap


@dataclass(frozen=True, eq=False)
class PictureCounts:
    """What all figures of one picture are computed from.

    Args:
        confusion: pixels of each pair of true and predicted class; see
            :func:`~intarsia.metrics.confusion.confusion_matrix`.
        boundary: how well borders match.
        causes: where wrong pixels come from.
        calibration: how well probabilities match what happens; None where there were none.
    """

    confusion: Int64[np.ndarray, "k1 k1"]
    boundary: BoundaryCounts
    causes: CauseCounts
    calibration: CalibrationCounts | None = None


def count_picture(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    *,
    probabilities: Float32[np.ndarray, "classes height width"] | None = None,
    where: str | Path = "mask",
) -> PictureCounts:
    """Count one picture. Safe to call from several threads at once: the loops release the interpreter lock.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        predicted: class ids, uint8 or uint16 [H, W].
        label_map: what the ids mean.
        probabilities: of each class at each pixel, [K, H, W] in the order of ``label_map``, if the prediction has them.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        DataError: an id that is neither a class nor the ignore id.
    """
    confidence = None if probabilities is None else probabilities.max(axis=0)
    return PictureCounts(
        confusion=confusion_matrix(truth, predicted, label_map, where),
        boundary=boundary_counts(truth, predicted, label_map, where=where),
        causes=cause_counts(truth, predicted, label_map, confidence=confidence, where=where),
        calibration=None if probabilities is None else calibration_counts(truth, probabilities, label_map, where=where),
    )
