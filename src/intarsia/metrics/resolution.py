"""What is lost to a coarse output: the confusion of a perfect predictor that sees the truth in large pixels."""

from __future__ import annotations

from pathlib import Path
from typing import no_type_check

import numpy as np
from jaxtyping import Int64, Shaped

from intarsia.ops.jit import jit
from intarsia.types import IGNORE_INDEX, LabelMap


def resolution_confusion(
    truth: Shaped[np.ndarray, "height width"], stride: int, label_map: LabelMap, where: str | Path = "mask"
) -> Int64[np.ndarray, "k1 k1"]:
    """Count what a perfect predictor at an output stride would score.

    The picture is cut into squares of stride × stride pixels from its upper left corner; each takes the class that
    most of its pixels have (void left out; of equals, the first), and is given back whole, as enlarging by nearest
    neighbor does. No other prediction of one class a square is right in more pixels. Smooth enlargement can do a
    little better on straight borders.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        stride: at least 1, which loses nothing.
        label_map: what the ids mean.
        where: what to call the mask in an error.

    Returns:
        Counts as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them, additive over pictures.

    Raises:
        DataError: an id that is neither a class nor the ignore id.
    """
    assert stride >= 1
    indices = label_map.ids_to_indices(truth, where)
    counts = np.zeros((label_map.num_classes + 1,) * 2, np.int64)
    counts[-1, -1] = np.count_nonzero(indices == IGNORE_INDEX)
    _count_majorities(indices, stride, counts)
    return counts


@jit
@no_type_check
def _count_majorities(truth, stride, counts):
    """Add each square's pixels of a class to the column of the class that is most frequent in it."""
    height, width = truth.shape
    classes = counts.shape[0] - 1
    square = np.zeros(classes, np.int64)
    for top in range(0, height, stride):
        for left in range(0, width, stride):
            square[:] = 0
            for y in range(top, min(top + stride, height)):
                for x in range(left, min(left + stride, width)):
                    if truth[y, x] >= 0:
                        square[truth[y, x]] += 1
            most = square.argmax()
            for k in range(classes):
                counts[k, most] += square[k]
