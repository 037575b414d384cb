"""A picture with its mask over it, small enough to be looked at."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.rasters.raster import Raster
from intarsia.ops.overlay import blend
from intarsia.types import LabelMap

LONGEST = 4096
"""Pixels along the longer side of an overlay; larger pictures are thinned out to it."""

_WINDOW = 2048  # pixels a side that are read at once


def thinned(raster: Raster, longest: int = LONGEST) -> np.ndarray:
    """Every n-th pixel of every n-th row [h, w, C], n the least for which the longer side is at most ``longest``."""
    step = -(-max(raster.size) // longest)
    height, width = (-(-length // step) for length in raster.size)
    small = np.empty((height, width, raster.channels), raster.dtype)
    side = max(1, _WINDOW // step)  # of the window in pixels of the result
    for row, column in product(range(0, height, side), range(0, width, side)):
        top, left = row * step, column * step
        rows, columns = (min(side * step, length - at) for length, at in zip(raster.size, (top, left), strict=True))
        part = raster.read(top, left, rows, columns)[::step, ::step]
        small[row : row + part.shape[0], column : column + part.shape[1]] = part
    return small


def write_overlay(path: str | Path, raster: Raster, labels: Raster, label_map: LabelMap) -> None:
    """Write a picture with its mask over it as PNG, see :func:`~intarsia.ops.overlay.blend`.

    Args:
        path: the file, or a fsspec address; missing folders are made.
        raster: the picture.
        labels: class ids, of the same size.
        label_map: what they mean; its ignore id is drawn as void.

    Raises:
        OutputError: it cannot be written.
    """
    drawn = blend(thinned(raster), thinned(labels)[:, :, 0], label_map)
    with delivered_file(path) as temporary:
        Image.fromarray(drawn).save(temporary)
