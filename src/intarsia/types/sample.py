"""One picture with its truth, ready for augmentation and training."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float32, Int16
from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """One picture and its mask.

    Args:
        image: float32 [C, H, W] in [0, 1] (the stored value over the largest value of its bit depth).
        mask: int16 [H, W] class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        name: what the picture is called in its data set (its file's stem).
    """

    image: Float32[Tensor, "channels height width"]
    mask: Int16[Tensor, "height width"]
    name: str
