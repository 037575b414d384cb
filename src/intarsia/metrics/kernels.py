"""The compiled loops that count pairs of mask values.

Each counts in several partial tables ("lanes") and adds them up. A table entry that is incremented twice in a row costs
a round trip through the store buffer; neighboring pixels mostly hold the same pair, so they go to different lanes.

The loops carry no annotations and are hidden from run-time type checking (``no_type_check``): numba must see the plain
function.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np
from jaxtyping import Int16, Int64, UInt8, UInt16
from llvmlite import ir
from numba.extending import intrinsic

from intarsia.ops.jit import jit

LANES = 4
_JOINT = 256 * 256  # pairs of uint8 values; the pair (truth, predicted) stands at 256 * truth + predicted

# Without padding, the same entry of every lane would share its low 12 address bits, which CPUs take for a dependence
# between a load and an earlier store: the loop becomes more than twice as slow.
_LANE_STRIDE = _JOINT + 80

_VECTOR = 64  # pixels compared at once; one bit of a 64-bit word each
_WORD = 8  # uint8 pixels of one 64-bit word
_BLOCK = 32  # uint16 pixels that are counted at once when they hold a single pair

# A vector whose first pair occurs at least this often is counted pair by pair, any other pixel by pixel. Vectors that
# a border between regions crosses hold two or three pairs; noise holds its first pair once or twice in 64.
_FEWEST_ALIKE = np.uint64(4)

_EVEN = np.uint64(0x00FF00FF00FF00FF)
_ODD = np.uint64(0xFF00FF00FF00FF00)
_LOW16 = np.uint64(0xFFFF)
_8, _16, _32, _48 = (np.uint64(shift) for shift in (8, 16, 32, 48))
_NONE, _ALL = np.uint64(0), np.uint64(2**64 - 1)
_ONE = np.uint32(1)

_LANES_UINT8 = numba.types.Array(numba.uint32, 2, "C")
_LANES_UINT16 = numba.types.Array(numba.int64, 3, "C")
_COUNTS = numba.types.Array(numba.int64, 2, "C")
_LOOKUP = numba.types.Array(numba.int16, 1, "C", readonly=True)


_kept = threading.local()


def count_pairs_uint8(
    truth: UInt8[np.ndarray, "pixels"], predicted: UInt8[np.ndarray, "pixels"], values: UInt8[np.ndarray, "k"]
) -> Int64[np.ndarray, "k k"]:
    """Count each pair of ``values`` in two contiguous uint8 masks of fewer than 2³² pixels; safe in several threads.

    Returns:
        The counts, rows ``truth``, columns ``predicted``. Pairs with another value are in none, so that the counts add
        up to less than the number of pixels.
    """
    # A thread keeps its lanes from one picture to the next, all zero: a fresh megabyte costs as much as the counting.
    lanes = vars(_kept).pop("lanes", None)
    if lanes is None:
        lanes = np.zeros((LANES, _LANE_STRIDE), np.uint32)
    words = truth.size // _WORD * _WORD
    counts = np.zeros((values.size, values.size), np.int64)
    loop = _compiled(_count_vectors, (numba.uint8,) * 2 + (numba.uint64,) * 2 + (numba.uint8,), _LANES_UINT8, _COUNTS)
    loop(truth, predicted, truth[:words].view(np.uint64), predicted[:words].view(np.uint64), values, lanes, counts)
    if counts.sum() == truth.size:  # otherwise some entries of the lanes are not zero
        _kept.lanes = lanes
    return counts


def count_pairs_uint16(
    truth: UInt16[np.ndarray, "pixels"], predicted: UInt16[np.ndarray, "pixels"], lookup: Int16[np.ndarray, "65536"]
) -> Int64[np.ndarray, "lanes rows rows"]:
    """Count each pair of ``lookup[value]`` of two contiguous uint16 masks.

    Returns:
        Lanes that add up to the counts, rows ``lookup[truth]``, columns ``lookup[predicted]``.
    """
    size = int(lookup.max()) + 1
    lanes = np.zeros((LANES, size, size), np.int64)
    loop = _compiled(_count_lookups, (numba.uint16, numba.uint16), _LOOKUP, _LANES_UINT16)
    whole = truth.size - truth.size % _BLOCK
    loop(truth[:whole], predicted[:whole], lookup, lanes)
    np.add.at(lanes[0], (lookup[truth[whole:]], lookup[predicted[whole:]]), 1)
    return lanes


@functools.cache
def _compiled(loop: Callable[..., None], pixels: tuple[Any, ...], *rest: Any) -> Callable[..., None]:
    """Compile ``loop(*masks, *rest)`` on first use, and keep the machine code on disk for later processes."""
    # One signature for all masks: read-only ones and ones at odd addresses (views into files) would each compile anew.
    masks = [numba.types.Array(pixel, 1, "C", readonly=True, aligned=False) for pixel in pixels]
    return jit(loop, numba.void(*masks, *rest))


@intrinsic
@no_type_check
def _alike(typing, truth, predicted, start, first, second):
    """A bit for each of the 64 pixels from ``start``: whether it holds the pair (first, second).

    LLVM's vectors are used directly; it turns them into whatever the CPU has (AVX-512, AVX2, NEON).
    """

    def generate(context, builder, signature, arguments):
        vector, lane = ir.VectorType(ir.IntType(8), _VECTOR), ir.IntType(32)
        equal = []
        for mask, kind, value in zip(arguments[:2], signature.args[:2], arguments[3:], strict=True):
            data = builder.gep(context.make_array(kind)(context, builder, mask).data, [arguments[2]])
            pixels = builder.load(builder.bitcast(data, vector.as_pointer()), align=1)
            single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(lane, 0))
            everywhere = ir.Constant(ir.VectorType(lane, _VECTOR), [0] * _VECTOR)
            repeated = builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), everywhere)
            equal.append(builder.icmp_unsigned("==", pixels, repeated))
        return builder.bitcast(builder.and_(*equal), ir.IntType(_VECTOR))

    return numba.uint64(truth, predicted, numba.intp, numba.uint8, numba.uint8), generate


@intrinsic
@no_type_check
def _ones(typing, word):
    """The number of bits that are set."""
    return numba.uint64(numba.uint64), lambda context, builder, signature, arguments: builder.ctpop(*arguments)


@intrinsic
@no_type_check
def _first_one(typing, word):
    """The place of the lowest bit that is set, of a word that is not zero."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(*arguments, ir.Constant(ir.IntType(1), 1))

    return numba.uint64(numba.uint64), generate


@no_type_check
def _count_vectors(truth, predicted, true_words, predicted_words, values, lanes, counts):
    """Count pairs of uint8 values, 64 at once, and leave the lanes as they were where ``values`` meet.

    The words are the same pixels eight at a time.
    """
    words = _VECTOR // _WORD
    for block in range(truth.size // _VECTOR):
        start = block * _VECTOR
        first, second = truth[start], predicted[start]
        alike = _alike(truth, predicted, start, first, second)
        if _ones(alike) >= _FEWEST_ALIKE:
            lane = block & 3
            rest = _ALL
            while True:
                lanes[lane, (np.uint64(first) << _8) | np.uint64(second)] += np.uint32(_ones(alike))
                rest &= ~alike
                if rest == _NONE:
                    break
                at = start + np.intp(_first_one(rest))
                first, second = truth[at], predicted[at]
                alike = _alike(truth, predicted, start, first, second)
            continue
        for offset in range(words):
            at = np.uint64(block * words + offset)  # unsigned indices spare numba's check for negative ones
            t, p = true_words[at], predicted_words[at]
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
    for at in range(truth.size // _VECTOR * _VECTOR, truth.size):
        lanes[0, (np.uint64(truth[at]) << _8) | np.uint64(predicted[at])] += _ONE
    for row in range(values.size):
        for column in range(values.size):
            entry = (np.uint64(values[row]) << _8) | np.uint64(values[column])
            for lane in range(LANES):
                counts[row, column] += lanes[lane, entry]
                lanes[lane, entry] = 0


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
