"""What is undefined stays undefined: quotients, means and JSON that know of it."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64


def ratio(numerator: np.ndarray | np.generic, denominator: np.ndarray | np.generic) -> np.ndarray:
    """``numerator / denominator`` in float64, NaN where the denominator is not above 0; of equal shapes."""
    quotient = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient


def mean_of_defined(values: Float64[np.ndarray, "*shape"], axis: int) -> Float64[np.ndarray, "*rest"]:
    """The mean along ``axis`` of the values that are not NaN; NaN where there is none.

    ``mean_of_defined(iou(table.confusion), axis=0)`` is the mean over images of each class's per-image IoU, with the
    images from whose truth and prediction the class is absent left out.
    """
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))


def or_none(value: float) -> float | None:
    """A figure as JSON holds it: None, which becomes null, where it is NaN."""
    return None if math.isnan(value) else value
