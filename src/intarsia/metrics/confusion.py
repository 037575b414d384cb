"""Confusion counts of one picture, straight from its two masks."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped, UInt8, UInt16

from intarsia.errors import DataError
from intarsia.metrics import kernels
from intarsia.metrics.pairs import check_mask, check_sizes
from intarsia.types import LabelMap

_PIECE = 2**30  # pixels counted at once, well below the 2³² that a 32-bit counter holds
_COPIED = 2**18  # pixels copied at once where a mask is not contiguous or not of the kernel's dtype


def confusion_matrix(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    label_map: LabelMap,
    where: str | Path = "mask",
) -> Int64[np.ndarray, "k1 k1"]:
    """Count the pixels of each pair of true and predicted class.

    Both masks hold *ids*, as mask files and :class:`~intarsia.types.SemanticMap` do, in any memory layout. Each is
    read once, and at most 2¹⁸ pixels (or one row) are copied at a time.

    Args:
        truth: uint8 or uint16 [H, W].
        predicted: uint8 or uint16 [H, W], not necessarily of the same dtype.
        label_map: what the ids mean; K classes.
        where: what to call the pair in an error, its file for instance.

    Returns:
        int64 [K+1, K+1]: truth in rows and prediction in columns, classes in the order of ``label_map``; the last row
        and the last column count void pixels (the ignore id), so that every void convention can be computed from it.

    Raises:
        ShapeError: sizes that differ, or an array that is not a uint8 or uint16 [H, W].
        DataError: an id that is neither a class nor the ignore id.
    """
    check_mask("truth", truth, where)
    check_mask("prediction", predicted, where)
    check_sizes(truth, predicted, where)
    narrow = truth.dtype == predicted.dtype == np.uint8
    count = _count_uint8 if narrow else _count_uint16
    size = label_map.num_classes + 1
    counts = np.zeros((size, size), np.int64)
    for true_pixels, predicted_pixels in _pieces(truth, predicted, np.uint8 if narrow else np.uint16):
        counts += count(true_pixels, predicted_pixels, label_map)
    # Only pairs of known ids were gathered, so a pixel that is missing holds an unknown one.
    if counts.sum() != truth.size:
        raise _unknown_ids(truth, predicted, label_map, where)
    return counts


def _count_uint8(
    truth: UInt8[np.ndarray, "pixels"], predicted: UInt8[np.ndarray, "pixels"], label_map: LabelMap
) -> Int64[np.ndarray, "k1 k1"]:
    places, values, all_known = _known(label_map.ids, label_map.ignore)
    found = kernels.count_pairs_uint8(truth, predicted, values)
    if all_known:
        return found
    counts = np.zeros((label_map.num_classes + 1,) * 2, np.int64)
    counts[np.ix_(places, places)] = found
    return counts


@functools.lru_cache(maxsize=64)
def _known(
    ids: tuple[int, ...], ignore: int | None
) -> tuple[Int64[np.ndarray, "known"], UInt8[np.ndarray, "known"], bool]:
    """Which rows of the counts stand for an id that a uint8 mask can hold, these ids, and whether all rows do."""
    values = np.array([*ids, -1 if ignore is None else ignore])
    places = np.flatnonzero((values >= 0) & (values <= 255))
    return places, values[places].astype(np.uint8), places.size == values.size


def _count_uint16(
    truth: UInt16[np.ndarray, "pixels"], predicted: UInt16[np.ndarray, "pixels"], label_map: LabelMap
) -> Int64[np.ndarray, "k1 k1"]:
    lanes = kernels.count_pairs_uint16(truth, predicted, label_map.index_of_id)
    counts: Int64[np.ndarray, "k1 k1"] = lanes.sum(axis=0)[:-1, :-1]  # the last row and column hold unknown ids
    return counts


def _pieces(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "height width"],
    dtype: type[np.uint8] | type[np.uint16],
) -> Iterator[tuple[Shaped[np.ndarray, "pixels"], Shaped[np.ndarray, "pixels"]]]:
    """The two masks as contiguous pixels of ``dtype``: views where that is possible, else copies of a few rows."""
    if truth.flags.f_contiguous and predicted.flags.f_contiguous and not truth.flags.c_contiguous:
        truth, predicted = truth.T, predicted.T  # the order of the pixels does not matter
    as_they_are = all(mask.flags.c_contiguous and mask.dtype == dtype for mask in (truth, predicted))
    rows = max(1, (_PIECE if as_they_are else _COPIED) // max(1, truth.shape[1]))
    for top in range(0, truth.shape[0], rows):
        part = slice(top, top + rows)
        yield (
            np.ascontiguousarray(truth[part], dtype).reshape(-1),
            np.ascontiguousarray(predicted[part], dtype).reshape(-1),
        )


def _unknown_ids(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "height width"],
    label_map: LabelMap,
    where: str | Path,
) -> DataError:
    both = (("truth", label_map.unknown_ids(truth)), ("prediction", label_map.unknown_ids(predicted)))
    found = " and ".join(f"the {what} holds the id {_listing(ids)}" for what, ids in both if ids)
    return DataError(
        f"{found}, but the classes are {label_map.describe()}",
        where=where,
        remedy="Correct the mask, or list the id in classes.yaml as a class or as `ignore`",
    )


def _listing(ids: tuple[int, ...]) -> str:
    return ", ".join(str(value) for value in ids[:8]) + (" …" if len(ids) > 8 else "")
