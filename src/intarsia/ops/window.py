"""How much each pixel of a tile counts where tiles overlap."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32

WindowKind = Literal["gaussian", "linear", "uniform"]
WINDOW_KINDS: tuple[WindowKind, ...] = get_args(WindowKind)

_SIGMA = 1 / 8  # of the side, as nnU-Net has it (Isensee et al. 2021, Supplementary Note 2)
_LEAST = 1e-3  # of the largest weight, so that a pixel that only one tile holds, at its very rim, is not lost


def window(side: int, kind: WindowKind = "gaussian") -> Float32[np.ndarray, "{side}"]:
    """Weights along one axis of a tile; those of a pixel are the product of its row's and its column's.

    A pixel near the rim of a tile was predicted from less of what is around it than one in the middle and counts less.

    Args:
        side: of the tile in pixels, ≥ 1.
        kind: "gaussian" falls off with a standard deviation of an eighth of the side, "linear" evenly towards the rim,
            "uniform" not at all.

    Returns:
        float32 in (0, 1], symmetric, largest in the middle.
    """
    distance = np.abs(np.arange(side) - (side - 1) / 2) / side  # from the middle, below 1/2
    if kind == "gaussian":
        weights = np.exp(-0.5 * (distance / _SIGMA) ** 2)
    elif kind == "linear":
        weights = 1 - 2 * distance
    else:
        weights = np.ones(side)
    return np.asarray(np.maximum(weights / weights.max(), _LEAST), np.float32)
