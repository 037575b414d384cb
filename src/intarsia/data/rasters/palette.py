"""What a stored byte looks like, where that is not its value: color tables and pixels of a few bits."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

Colors = UInt8[np.ndarray, "256 _channels"]
"""The gray or color of each byte, uint8 [256, 1] or [256, 3]."""


def color_table(colors: UInt8[np.ndarray, "256 3"]) -> Colors:
    """A table of colors; one of grays has one channel."""
    return colors[:, :1].copy() if (colors == colors[:, :1]).all() else colors


def bit_grays(bits: int, *, zero_is_white: bool = False) -> Colors:
    """Grays from black to white, whatever the number of bits, as :func:`~intarsia.data.formats.image.read_image`."""
    grays: np.ndarray = np.arange(256) % 2**bits * (255 // (2**bits - 1))
    return (255 - grays if zero_is_white else grays).astype(np.uint8)[:, None]
