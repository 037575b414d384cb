"""What people receive: always at the original picture's size and orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from intarsia.types.label_map import LabelMap


@dataclass(frozen=True)
class SemanticMap:
    """One class a pixel.

    Args:
        class_ids: uint8 or uint16 [H, W], the ids of ``label_map`` (what a mask file holds, not network channels).
        label_map: what the ids mean.
        probabilities: float32 [K, H, W] in [0, 1], summing to 1 over K in the order of ``label_map``; only on request.
    """

    class_ids: UInt8[np.ndarray, "height width"] | UInt16[np.ndarray, "height width"]
    label_map: LabelMap
    probabilities: Float32[np.ndarray, "classes height width"] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.class_ids.shape
        return height, width

    def fractions(self) -> dict[str, float]:
        """The share of the picture each class covers, by name, in [0, 1]."""
        counts = np.bincount(self.class_ids.ravel(), minlength=max(self.label_map.ids) + 1)
        return {
            name: float(counts[i] / self.class_ids.size)
            for i, name in zip(self.label_map.ids, self.label_map.names, strict=True)
        }
