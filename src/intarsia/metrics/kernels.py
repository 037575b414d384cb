"""The compiled loops that count pairs of mask values.

Each returns several partial tables ("lanes") that the caller adds up. A table entry that is incremented twice in a
row costs a round trip through the store buffer; neighboring pixels mostly hold the same pair, so they go to different
lanes.

The loops carry no annotations and are hidden from run-time type checking (``no_type_check``): numba must see the plain
function. Under ``NUMBA_DISABLE_JIT=1`` they run, slowly, as the Python they are written in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np
from jaxtyping import Int16, Int64, UInt8, UInt16, UInt32

LANES = 4
JOINT = 256 * 256
"""Pairs of uint8 values; the pair (truth, predicted) stands at ``256 * truth + predicted``."""

# Without padding, the same entry of every lane would share its low 12 address bits, which CPUs take for a dependence
# between a load and an earlier store: the loop becomes more than twice as slow.
_LANE_STRIDE = JOINT + 80

_BLOCK = 32  # pixels of a block that is counted at once when it holds a single pair
_WORD = 8  # uint8 pixels of one 64-bit word

_EVEN = np.uint64(0x00FF00FF00FF00FF)
_ODD = np.uint64(0xFF00FF00FF00FF00)
_REPEAT = np.uint64(0x0101010101010101)
_LOW8 = np.uint64(0xFF)
_LOW16 = np.uint64(0xFFFF)
_8, _16, _32, _48 = (np.uint64(shift) for shift in (8, 16, 32, 48))
_ONE = np.uint32(1)

_LANES_UINT8 = numba.types.Array(numba.uint32, 2, "C")
_LANES_UINT16 = numba.types.Array(numba.int64, 3, "C")
_LOOKUP = numba.types.Array(numba.int16, 1, "C", readonly=True)


def count_pairs_uint8(
    truth: UInt8[np.ndarray, "pixels"], predicted: UInt8[np.ndarray, "pixels"]
) -> UInt32[np.ndarray, "lanes entries"]:
    """Count each pair of values of two contiguous uint8 masks of fewer than 2³² pixels.

    Returns:
        Lanes whose first :data:`JOINT` entries add up to the joint histogram; the entries after them are padding.
    """
    lanes = np.zeros((LANES, _LANE_STRIDE), np.uint32)  # fresh zero pages: only those that are counted in are touched
    whole = truth.size - truth.size % _BLOCK
    loop = _compiled(_count_words, numba.uint64, _LANES_UINT8)
    loop(truth[:whole].view(np.uint64), predicted[:whole].view(np.uint64), lanes)
    np.add.at(lanes[0], truth[whole:].astype(np.intp) * 256 + predicted[whole:], 1)
    return lanes


def count_pairs_uint16(
    truth: UInt16[np.ndarray, "pixels"], predicted: UInt16[np.ndarray, "pixels"], lookup: Int16[np.ndarray, "65536"]
) -> Int64[np.ndarray, "lanes rows rows"]:
    """Count each pair of ``lookup[value]`` of two contiguous uint16 masks.

    Returns:
        Lanes that add up to the counts, rows ``lookup[truth]``, columns ``lookup[predicted]``.
    """
    size = int(lookup.max()) + 1
    lanes = np.zeros((LANES, size, size), np.int64)
    loop = _compiled(_count_lookups, numba.uint16, _LOOKUP, _LANES_UINT16)
    whole = truth.size - truth.size % _BLOCK
    loop(truth[:whole], predicted[:whole], lookup, lanes)
    np.add.at(lanes[0], (lookup[truth[whole:]], lookup[predicted[whole:]]), 1)
    return lanes


@functools.cache
def _compiled(loop: Callable[..., None], pixel: Any, *rest: Any) -> Callable[..., None]:
    """Compile ``loop(truth, predicted, *rest)`` on first use, and keep the machine code on disk for later processes."""
    # One signature for all masks: read-only ones and ones at odd addresses (views into files) would each compile anew.
    mask = numba.types.Array(pixel, 1, "C", readonly=True, aligned=False)
    signature = numba.void(mask, mask, *rest)
    try:
        compiled: Callable[..., None] = numba.njit(signature, nogil=True, cache=True)(loop)
    except (RuntimeError, OSError):  # no writable folder for the machine code: compile for this process alone
        compiled = numba.njit(signature, nogil=True)(loop)
    return compiled


@no_type_check
def _count_words(truth, predicted, lanes):
    """Count pairs of uint8 values, read eight at a time as uint64 words."""
    words = _BLOCK // _WORD
    for block in range(truth.size // words):
        start = np.uint64(block * words)  # unsigned indices spare numba's check for negative ones
        first = (truth[start] & _LOW8) * _REPEAT
        second = (predicted[start] & _LOW8) * _REPEAT
        difference = np.uint64(0)
        for offset in range(words):
            at = start + np.uint64(offset)
            difference |= (truth[at] ^ first) | (predicted[at] ^ second)
        if difference == np.uint64(0):  # masks are mostly flat: one pair fills the whole block
            lanes[block & 3, ((first & _LOW8) << _8) | (second & _LOW8)] += np.uint32(_BLOCK)
            continue
        for offset in range(words):
            at = start + np.uint64(offset)
            t, p = truth[at], predicted[at]
            # Eight table positions, 256 * truth + predicted, in two words of four 16-bit numbers.
            even = ((t & _EVEN) << _8) | (p & _EVEN)
            odd = (t & _ODD) | ((p >> _8) & _EVEN)
            lanes[0, even & _LOW16] += _ONE
            lanes[1, odd & _LOW16] += _ONE
            lanes[2, (even >> _16) & _LOW16] += _ONE
            lanes[3, (odd >> _16) & _LOW16] += _ONE
            lanes[0, (even >> _32) & _LOW16] += _ONE
            lanes[1, (odd >> _32) & _LOW16] += _ONE
            lanes[2, even >> _48] += _ONE
            lanes[3, odd >> _48] += _ONE


@no_type_check
def _count_lookups(truth, predicted, lookup, lanes):
    """Count pairs of looked-up uint16 values."""
    for block in range(truth.size // _BLOCK):
        start = block * _BLOCK
        first, second = truth[start], predicted[start]
        difference = np.uint16(0)
        for at in range(start, start + _BLOCK):
            difference |= (truth[at] ^ first) | (predicted[at] ^ second)
        if difference == 0:
            lanes[0, lookup[first], lookup[second]] += _BLOCK
            continue
        for at in range(start, start + _BLOCK, 4):
            lanes[0, lookup[truth[at]], lookup[predicted[at]]] += 1
            lanes[1, lookup[truth[at + 1]], lookup[predicted[at + 1]]] += 1
            lanes[2, lookup[truth[at + 2]], lookup[predicted[at + 2]]] += 1
            lanes[3, lookup[truth[at + 3]], lookup[predicted[at + 3]]] += 1
