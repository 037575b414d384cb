"""What can be noticed while a model is being scored, beyond the counts: strange pictures, lost resolution, seams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from intarsia.evaluate.checks import (
    Finding,
    PictureStatistics,
    picture_statistics,
    preprocessing_mismatch,
    resolution_limit,
)
from intarsia.evaluate.seams import ErrorProfile, error_profile, seam_period
from intarsia.metrics import ScoreTable
from intarsia.metrics.counts import stack, total
from intarsia.metrics.resolution import resolution_confusion
from intarsia.ops.overlay import Mask, Picture
from intarsia.types import ImageSpec, LabelMap


class Watch:
    """Look at each picture as it is scored, in one pass; memory does not grow with their number.

    Args:
        spec: how the model prepares pictures; its mean and std are those of the training pictures.
        label_map: the classes.
    """

    def __init__(self, spec: ImageSpec, label_map: LabelMap) -> None:
        self._spec = spec
        self._label_map = label_map
        self._pictures: dict[int, PictureStatistics] = {}
        self._profile: ErrorProfile | None = None
        self._ceiling: Int64[np.ndarray, "k1 k1"] | None = None
        self._strides: set[int] = set()

    def add(self, image: Picture, truth: Mask, predicted: Mask, where: str | Path = "picture") -> None:
        """Look at one picture.

        Args:
            image: as it is stored, uint8 or uint16 [H, W, C].
            truth: class ids [H, W].
            predicted: class ids [H, W].
            where: what to call it in an error.
        """
        statistics = picture_statistics(image)
        seen = self._pictures.get(image.shape[2])
        self._pictures[image.shape[2]] = statistics if seen is None else total(stack([seen, statistics]))
        profile = error_profile(truth, predicted, self._label_map, where)
        self._profile = profile if self._profile is None else self._profile + profile
        if self._spec.long_side is None:  # pictures are not shrunken, so nothing is lost
            return
        stride = max(1, round(max(truth.shape) / self._spec.long_side))
        ceiling = resolution_confusion(truth, stride, self._label_map, where)
        self._ceiling = ceiling if self._ceiling is None else self._ceiling + ceiling
        self._strides.add(stride)

    def findings(self, table: ScoreTable) -> list[Finding]:
        """What was noticed; ``table`` holds the counts of the same pictures."""
        found = [preprocessing_mismatch(pictures, self._spec) for pictures in self._pictures.values()]
        if self._profile is not None:
            found.append(seam_period(self._profile))
        if self._ceiling is not None and max(self._strides) > 1:
            strides = sorted(self._strides)
            words = str(strides[0]) if len(strides) == 1 else f"{strides[0]} to {strides[-1]}"
            found.append(resolution_limit(words, self._ceiling, table.dataset, self._label_map))
        return [finding for finding in found if finding is not None]
