"""What has to hold of a truth and a prediction before anything is counted of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from intarsia.errors import ShapeError


def check_mask(what: str, mask: Shaped[np.ndarray, "*size"], where: str | Path) -> None:
    """Refuse what is no mask of class ids, naming it as ``what``.

    Raises:
        ShapeError: not a uint8 or uint16 [H, W].
    """
    if mask.ndim != 2 or mask.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"the {what} is {mask.dtype} of shape {mask.shape}",
            where=where,
            remedy="Give class ids as uint8 or uint16 of shape (height, width)",
        )


def check_sizes(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "predicted_height predicted_width"],
    where: str | Path,
) -> None:
    """Refuse a prediction of another size than its truth.

    Raises:
        ShapeError: sizes that differ.
    """
    if truth.shape != predicted.shape:
        (height, width), (predicted_height, predicted_width) = truth.shape, predicted.shape
        raise ShapeError(
            f"the truth is {width}×{height} pixels and the prediction {predicted_width}×{predicted_height}",
            where=where,
            remedy="Give two masks of the same picture, both at its own size",
        )
