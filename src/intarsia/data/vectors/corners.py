"""Where the borders of regions turn: all that has to be kept of a raster to draw its regions.

A border runs along the edges of pixels, with its region on the right of the way (rows count downwards). A *corner* is a
point where it turns, or where it goes straight on while the neighbor on its other side changes; neighbors therefore
have every point of a common border in common. Each is found from the four pixels around it alone, so borders need not
be followed from block to block.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Int32, Shaped

from intarsia.ops.jit import jit

EAST, SOUTH, WEST, NORTH = range(4)
_WAYS = 4

CORNER = np.dtype(
    [("piece", np.int32), ("y", np.int32), ("x", np.int32), ("kind", np.int32), ("turn", np.uint8)], align=True
)
"""The piece whose border it is, the row and column of the point, the class of the piece, and how the border passes:
four times the direction in which it comes, plus that in which it leaves."""


def _turns() -> np.ndarray:
    """How the border of the pixels 1 (top left), 2 (top right), 4 (bottom left), 8 (bottom right), added up, passes."""
    passing = {1: (SOUTH, WEST), 2: (WEST, NORTH), 4: (EAST, SOUTH), 8: (NORTH, EAST)}
    passing |= {14: (EAST, NORTH), 13: (SOUTH, EAST), 11: (NORTH, WEST), 7: (WEST, SOUTH)}
    passing |= {3: (WEST, WEST), 5: (SOUTH, SOUTH), 10: (NORTH, NORTH), 12: (EAST, EAST)}
    turns = np.zeros(16, np.uint8)
    for pixels, (coming, leaving) in passing.items():
        turns[pixels] = _WAYS * coming + leaving
    return turns


_TURNS = _turns()
_DIAGONALS = (1 | 8, 2 | 4)


def find_corners(window: Int32[np.ndarray, "2 rows columns"], top: int, left: int) -> Shaped[np.ndarray, "corners"]:
    """Find the corners between the pixels of a window.

    Args:
        window: the class of each pixel (0: of none, which gets no corners) and the number of its piece. The first row
            and column are those above and left of the block.
        top: the row of the picture in which the points of the first row of the block lie.
        left: and the column.

    Returns:
        :data:`CORNER` [n]; that of a piece for each time its border passes: twice where it touches itself.
    """
    found = np.empty(_scan(window, top, left, np.empty(0, CORNER)), CORNER)
    _scan(window, top, left, found)
    return found


@jit
@no_type_check
def _scan(window, top, left, found):
    """Write the corners to ``found``, as far as it has room; return how many there are."""
    count = 0
    around = np.empty(4, np.int32)
    for row in range(1, window.shape[1]):
        for column in range(1, window.shape[2]):
            a, b = window[0, row - 1, column - 1], window[0, row - 1, column]
            c, d = window[0, row, column - 1], window[0, row, column]
            if a == b and c == d and a == c:
                continue
            around[0], around[1], around[2], around[3] = a, b, c, d
            for pixel in range(4):
                if around[pixel] == 0:
                    continue
                equal = 0
                for other in range(4):
                    equal |= (1 << other) * (around[other] == around[pixel])
                if equal in _DIAGONALS:  # they do not touch here, whether or not they do elsewhere
                    equal = 1 << pixel
                if equal & ((1 << pixel) - 1):  # counted with an earlier pixel
                    continue
                turn = _TURNS[equal]
                # Going straight on between equal neighbors, which are what is left when two pairs cancel out.
                if turn // 4 == turn % 4 and a ^ b ^ c ^ d == 0:
                    continue
                if count < found.size:
                    found[count]["piece"] = window[1, row - 1 + pixel // 2, column - 1 + pixel % 2]
                    found[count]["y"] = top + row - 1
                    found[count]["x"] = left + column - 1
                    found[count]["kind"] = around[pixel]
                    found[count]["turn"] = turn
                count += 1
    return count
