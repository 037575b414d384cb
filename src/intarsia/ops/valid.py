"""The one place that decides which pixels of a truth count."""

from __future__ import annotations

from jaxtyping import Bool, Int, Int64
from torch import Tensor

from intarsia.types import IGNORE_INDEX


def valid_pixels(target: Int[Tensor, "*size"]) -> tuple[Bool[Tensor, "*size"], Int64[Tensor, "*size"]]:
    """Tell the pixels that count from the ignored ones, and make the target safe to index with.

    Args:
        target: class indices of any integer dtype and shape, :data:`~intarsia.types.IGNORE_INDEX` where void.

    Returns:
        valid: True where the pixel counts.
        classes: the target as int64 with class 0 in place of every ignored pixel. Whatever is looked up there must be
            multiplied or filled by ``valid`` before it is summed.
    """
    valid = target != IGNORE_INDEX
    # Only the ignore index is replaced: any other index outside the classes must fail loudly at the lookup.
    return valid, target.long().masked_fill(~valid, 0)
