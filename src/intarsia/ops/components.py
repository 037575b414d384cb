"""Connected components: the separate pieces of each class."""

from __future__ import annotations

from typing import Literal

import cc3d
import numpy as np
from jaxtyping import Integer, UInt32


def connected_components(
    labels: Integer[np.ndarray, "height width"], connectivity: Literal[4, 8] = 8
) -> tuple[UInt32[np.ndarray, "height width"], int]:
    """Number the connected pieces of equal label, each label apart; 0 is no label and stays 0.

    Args:
        labels: any integer dtype and memory layout; left as it is.
        connectivity: 8 joins pixels that share a corner (a thin slanted line is one piece), 4 only those that share
            an edge.

    Returns:
        uint32 [H, W] with the pieces numbered 1 … count in the order in which rows are read, and that count.
    """
    # cc3d asks for a buffer it may write to, though it does not; of an array it may not, only a copy will do.
    given = np.require(labels, requirements=("C", "W"))
    pieces, count = cc3d.connected_components(given, connectivity=connectivity, out_dtype=np.uint32, return_N=True)
    return pieces, int(count)
