"""Why pixels are wrong: every lost pixel of every class has exactly one cause.

A wrong pixel, of class *i* in the truth and predicted as *j*, costs two classes: it is a *miss* of *i* and a *false
positive* of *j* (of none where the prediction is void). Each of the two gets one cause, so the causes of a class add
up to its lost IoU: 1 − IoU = Σ pixels of its causes / union.

Objects are the connected pieces (8-neighbors) of a class. A true piece is *lost*, and a predicted one *baseless*, when
under a tenth of its pixels are right, or fewer than are wrong outside the boundary band: a shrunken or swollen object
keeps a right core and is neither. The causes, the first that applies being taken:

- **suspect**: the truth may be wrong. A true piece of under 10 pixels, all of it inside one predicted piece that is
  right elsewhere; or, with the network's confidence at hand, a whole baseless object about which it is as sure as
  about the right pixels of that class (after Northcutt et al., Confident Learning, JAIR 2021, whose threshold is the
  class's mean confidence).
- **noise**: a baseless predicted piece of under 10 pixels.
- **objects**: misses in a *missed* object, lost mostly to the background, to void, or to what it stands in: predicted
  regions that are right elsewhere and close over it, each in the proportion in which its class lies along the object's
  outline, or the one with most of the outline (at least a third) alone. False positives of a *spurious*, baseless
  object. Both by the object's size.
- **confusion** with another class: a lost object that became another object, and what the other side of a missed or
  spurious object loses.
- **boundary**: within the band along the true borders.
- **partial**: gaps in objects that were found, spill beyond their border, outside the band. Between two classes
  neither of which is the background, this is confusion.

The background (:func:`~intarsia.ops.overlay.background_index`) is nobody's object: it is never missed or spurious.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped

from intarsia.errors import ShapeError
from intarsia.metrics import causes_kernels as kernels
from intarsia.metrics.causes_pieces import SIZES, judge, scene
from intarsia.metrics.confusion import confusion_matrix
from intarsia.types import LabelMap

RELATIVE_BAND = "0.5% of the picture's diagonal, at least 2 px"
"""The band where no width is given, in words."""

_BAND_SHARE, _LEAST_BAND = 0.005, 2


@dataclass(frozen=True, eq=False)
class CauseCounts:
    """The pixels each class loses, by cause; additive over pictures.

    The axis of length 2 holds misses, then false positives. Sizes are strata of :data:`SIZES`, smallest first.

    Args:
        boundary: pixels [..., K, 2] within the band.
        noise: pixels [..., K, 2] lost by predicted specks, or to them.
        partial: pixels [..., K, 2]: gaps, spill.
        objects: pixels [..., K, 2, sizes] of missed objects (misses) and of spurious ones (false positives).
        confusion: pixels [..., K, 2, K]: misses, by the class predicted; false positives, by the true class.
        suspects: pixels [..., K, K] where the truth may be wrong; truth in rows, prediction in columns.
        true_objects: how many objects [..., K, sizes] the truth holds.
        found_objects: how many of them were found (are not lost).
        object_pixels: the pixels [..., K, sizes] of the true objects.
        band: the width of the boundary band to either side of a true border, in words.
        confident: whether the network's confidence helped to find suspects.
    """

    boundary: Int64[np.ndarray, "*batch k 2"] | Float64[np.ndarray, "*batch k 2"]
    noise: Int64[np.ndarray, "*batch k 2"] | Float64[np.ndarray, "*batch k 2"]
    partial: Int64[np.ndarray, "*batch k 2"] | Float64[np.ndarray, "*batch k 2"]
    objects: Int64[np.ndarray, "*batch k 2 sizes"] | Float64[np.ndarray, "*batch k 2 sizes"]
    confusion: Int64[np.ndarray, "*batch k 2 k"] | Float64[np.ndarray, "*batch k 2 k"]
    suspects: Int64[np.ndarray, "*batch k k"] | Float64[np.ndarray, "*batch k k"]
    true_objects: Int64[np.ndarray, "*batch k sizes"] | Float64[np.ndarray, "*batch k sizes"]
    found_objects: Int64[np.ndarray, "*batch k sizes"] | Float64[np.ndarray, "*batch k sizes"]
    object_pixels: Int64[np.ndarray, "*batch k sizes"] | Float64[np.ndarray, "*batch k sizes"]
    band: str = RELATIVE_BAND
    confident: bool = False


def cause_counts(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    *,
    band: int | None = None,
    confidence: Float32[np.ndarray, "*size"] | None = None,
    where: str | Path = "mask",
) -> CauseCounts:
    """Find the cause of every wrong pixel of one picture.

    Where the truth is void nothing counts, and what is predicted there changes nothing. The edge of a void region does
    count as a border: annotators put void where a border is not clear.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        predicted: class ids, uint8 or uint16 [H, W].
        label_map: what the ids mean.
        band: how far from a true border an error still is one of the boundary, in pixels ≥ 1; a border moved by that
            much is within. None is 0.5% of the picture's diagonal, at least 2: 3 pixels at 480×360, 11 at 2048×1024.
        confidence: the probability of the predicted class at each pixel, in [0, 1], to find mistakes of the truth.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        DataError: an id that is neither a class nor the ignore id.
    """
    confusion_matrix(truth, predicted, label_map, where)  # takes a millisecond, and refuses what cannot be counted
    if confidence is not None and confidence.shape != truth.shape:
        raise ShapeError(
            f"the confidence is of shape {confidence.shape} and the masks are of shape {truth.shape}",
            where=where,
            remedy="Give one confidence a pixel",
        )
    width = max(_LEAST_BAND, round(_BAND_SHARE * float(np.hypot(*truth.shape)))) if band is None else band
    assert width >= 1
    seen = scene(truth, predicted, label_map, width)
    true_state, found_state, objects = judge(seen, label_map.num_classes, confidence)
    count, strata = label_map.num_classes, len(SIZES) + 1
    causes = np.zeros((count, 2, kernels.FIRST_SIZE + strata + count), np.int64)
    suspects = np.zeros((count, count), np.int64)
    kernels.attribute(*seen.masks, seen.near, true_state, found_state, seen.background, causes, suspects)
    first_class = kernels.FIRST_SIZE + strata
    return CauseCounts(
        boundary=causes[:, :, kernels.BOUNDARY],
        noise=causes[:, :, kernels.NOISE],
        partial=causes[:, :, kernels.PARTIAL],
        objects=causes[:, :, kernels.FIRST_SIZE : first_class],
        confusion=causes[:, :, first_class:],
        suspects=suspects,
        true_objects=objects[0],
        found_objects=objects[1],
        object_pixels=objects[2],
        band=RELATIVE_BAND if band is None else f"{band} px",
        confident=confidence is not None,
    )


def lost_pixels(causes: CauseCounts) -> Int64[np.ndarray, "*batch k 2"] | Float64[np.ndarray, "*batch k 2"]:
    """All causes together, [..., K, 2]: the misses and the false positives of each class, as the confusion has them."""
    suspects = np.stack([causes.suspects.sum(axis=-1), causes.suspects.sum(axis=-2)], axis=-1)
    return np.asarray(
        causes.boundary
        + causes.noise
        + causes.partial
        + causes.objects.sum(axis=-1)
        + causes.confusion.sum(axis=-1)
        + suspects
    )
