"""How many pixels each true segment shares with each predicted one: what panoptic and instance figures start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import no_type_check

import numpy as np
from jaxtyping import Int64, Shaped, UInt32, UInt64

from intarsia.errors import ShapeError
from intarsia.metrics.pairs import check_sizes
from intarsia.ops.jit import jit

_SLOTS = 4096
_FEW, _MANY = 8, 48  # pixels looked at together


@dataclass(frozen=True, eq=False)
class SegmentPairs:
    """The pairs of segments that share pixels, in the order of their ids; an id may be 0.

    Args:
        truth: the id in the truth.
        predicted: the id in the prediction.
        pixels: how many pixels they share, 1 or more.
    """

    truth: UInt32[np.ndarray, "pairs"]
    predicted: UInt32[np.ndarray, "pairs"]
    pixels: Int64[np.ndarray, "pairs"]


def count_segment_pairs(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    where: str | Path = "mask",
) -> SegmentPairs:
    """Count the pixels of each pair of ids, in one pass over the two maps.

    Args:
        truth: whole numbers 0–2³²−1 [H, W] of at most 32 bits.
        predicted: the same, of the same size.
        where: what to call the pair in an error, its file for instance.

    Raises:
        ShapeError: sizes that differ, or an array that is not [H, W] of whole numbers of at most 32 bits.
    """
    for what, ids in (("truth", truth), ("prediction", predicted)):
        if ids.ndim != 2 or ids.dtype.kind not in "ui" or ids.dtype.itemsize > 4:
            raise ShapeError(
                f"the {what} is {ids.dtype} of shape {ids.shape}",
                where=where,
                remedy="Give segment ids as whole numbers of at most 32 bits, of shape (height, width)",
            )
    check_sizes(truth, predicted, where)
    keys, pixels = _count_pairs(*(np.ascontiguousarray(ids, np.uint32).reshape(-1) for ids in (truth, predicted)))
    order = np.argsort(keys)
    keys = keys[order]
    return SegmentPairs((keys >> np.uint64(32)).astype(np.uint32), keys.astype(np.uint32), pixels[order])


def _count_pairs(
    truth: UInt32[np.ndarray, "pixels"], predicted: UInt32[np.ndarray, "pixels"]
) -> tuple[UInt64[np.ndarray, "pairs"], Int64[np.ndarray, "pairs"]]:
    """The pairs, first id in the upper half of a number, and their pixels, in no order."""
    keys, counts = np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.int64)
    start = _fill(truth, predicted, 0, keys, counts)
    while start < truth.size:
        # Growing inside the loop would make it half as fast: it could no longer keep the table's place in a register.
        full_keys, full_counts = keys[counts > 0], counts[counts > 0]
        keys, counts = np.zeros(4 * keys.size, np.uint64), np.zeros(4 * keys.size, np.int64)
        _move(full_keys, full_counts, keys, counts)
        start = _fill(truth, predicted, start, keys, counts)
    return keys[counts > 0], counts[counts > 0]


@jit
@no_type_check
def _fill(truth, predicted, start, keys, counts):
    """Count pairs from ``start`` on in a hash table with open addressing; return how far it got, all or half full.

    Neighbors mostly hold the same pair, and runs of them go in as one.
    """
    # Unsigned indices spare numba's check for negative ones.
    size, run = np.uint64(truth.size), np.uint64(start)
    one, few, many = np.uint64(1), np.uint64(_FEW), np.uint64(_MANY)
    left = keys.size // 2 - np.sum(counts > 0)
    while run < size and left > 0:
        first, second = truth[run], predicted[run]
        at = run + one
        while at + many <= size and _flat(truth, predicted, at, _MANY, first, second):
            at += many
        while at + few <= size and _flat(truth, predicted, at, _FEW, first, second):
            at += few
        while at < size and truth[at] == first and predicted[at] == second:
            at += one
        left -= _add(keys, counts, first, second, at - run)
        run = at
    return np.int64(run)


@jit
@no_type_check
def _flat(truth, predicted, start, pixels, first, second):
    """Whether a stretch of pixels holds a single pair; several pixels in one instruction, because nothing branches."""
    difference = np.uint32(0)
    for offset in range(pixels):
        at = start + np.uint64(offset)
        difference |= (truth[at] ^ first) | (predicted[at] ^ second)
    return difference == 0


@jit
@no_type_check
def _add(keys, counts, first, second, pixels):
    """Count a run of one pair; return 1 if it is new to the table."""
    key = (np.uint64(first) << np.uint64(32)) | np.uint64(second)
    slot = _slot(keys, counts, key)
    new = counts[slot] == 0
    keys[slot] = key
    counts[slot] += np.int64(pixels)
    return np.int64(new)


@jit
@no_type_check
def _move(full_keys, full_counts, keys, counts):
    """Put the entries of a full table into a larger one."""
    for index in range(full_keys.size):
        slot = _slot(keys, counts, full_keys[index])
        keys[slot], counts[slot] = full_keys[index], full_counts[index]


@jit
@no_type_check
def _slot(keys, counts, key):
    """The slot that holds ``key``, or the free one where it belongs."""
    mixed = key * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing, its upper bits folded into the lower
    slot = (mixed ^ (mixed >> np.uint64(32))) & np.uint64(keys.size - 1)
    while counts[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & np.uint64(keys.size - 1)
    return slot
