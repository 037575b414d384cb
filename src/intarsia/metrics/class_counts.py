"""What overlap figures need to know: the counted pixels of each class, under a named void convention.

A model scored 55.65, 57.17 or 59.75 mean IoU on the same images depending on how void pixels were counted. So the
convention is chosen once, here, where the joint counts are reduced, and travels with the counts by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.errors import RecipeError

Confusion = Int64[np.ndarray, "*batch k1 k1"] | Float64[np.ndarray, "*batch k1 k1"]
_PerClass = Int64[np.ndarray, "*batch k1"] | Float64[np.ndarray, "*batch k1"]

Void = Literal["exclude", "exclude-both", "count"]
"""How void pixels are counted; see :data:`VOID_CONVENTIONS`."""

VOID_CONVENTIONS: dict[Void, str] = {
    "exclude": "pixels whose truth is void count nowhere; a void prediction elsewhere is a miss of the true class",
    "exclude-both": "pixels that are void in the truth or in the prediction count nowhere",
    "count": "nothing is left out: a class predicted on void truth is a false positive of that class, a void"
    " prediction a miss of the true class; void itself enters no mean",
}
"""Each convention by name, in words."""


def void_convention(name: str) -> Void:
    """The convention a person named.

    Raises:
        RecipeError: there is none of that name.
    """
    for convention in VOID_CONVENTIONS:
        if name == convention:
            return convention
    raise RecipeError(
        f"the void convention {name!r} does not exist",
        where="void",
        remedy=f"Choose one of {', '.join(VOID_CONVENTIONS)}",
    )


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """The counted pixels of each class of one picture, or of many along the leading axes; additive over pictures.

    Args:
        hits: pixels [..., K+1] that truth and prediction agree on, void last.
        true: pixels [..., K+1] of the truth, void last.
        predicted: pixels [..., K+1] of the prediction, void last.
        void: the convention they were counted under.
    """

    hits: _PerClass
    true: _PerClass
    predicted: _PerClass
    void: str = "exclude"


def class_counts(confusion: Confusion, void: Void = "exclude") -> ClassCounts:
    """Reduce joint counts to those of each class.

    Args:
        confusion: counts [..., K+1, K+1] as :func:`~intarsia.metrics.confusion.confusion_matrix` returns them.
        void: which cells count; see :data:`VOID_CONVENTIONS`.
    """
    assert void in VOID_CONVENTIONS
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).copy()
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    if void != "count":  # the row of void truth
        predicted -= confusion[..., -1, :]
        true[..., -1] = hits[..., -1] = 0
    if void == "exclude-both":  # the column of void predictions
        true[..., :-1] -= confusion[..., :-1, -1]
        predicted[..., -1] = 0
    return ClassCounts(hits, true, predicted, void)
