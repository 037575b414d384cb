"""Connected components: the separate pieces of each class."""

from __future__ import annotations

from typing import Literal

import cc3d
import numpy as np
from jaxtyping import Integer, UInt32

Connectivity = Literal[4, 8, 6, 18, 26]
"""How pieces hold together: in pictures across edges (4) or corners too (8), in volumes across faces (6), edges too
(18), or corners too (26)."""


def connected_components(
    labels: Integer[np.ndarray, "*size"], connectivity: Connectivity | None = None
) -> tuple[UInt32[np.ndarray, "*size"], int]:
    """Number the connected pieces of equal label, each label apart; 0 is no label and stays 0.

    Args:
        labels: a picture [H, W] or a volume [D, H, W] of any integer dtype and memory layout; left as it is.
        connectivity: 8 joins pixels that share a corner (a thin slanted line is one piece), 4 only those that share
            an edge; 6, 18 or 26 of volumes. None is the loosest, 8 or 26.

    Returns:
        uint32 with the pieces numbered 1 … count in the order in which rows are read, and that count.
    """
    # cc3d asks for a buffer it may write to, though it does not; of an array it may not, only a copy will do.
    given = np.require(labels, requirements=("C", "W"))
    chosen = connectivity or (8 if labels.ndim == 2 else 26)
    pieces, count = cc3d.connected_components(given, connectivity=chosen, out_dtype=np.uint32, return_N=True)
    return pieces, int(count)
