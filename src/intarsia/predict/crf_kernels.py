"""The compiled loop over pixels of the dense CRF's mean field."""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np

from intarsia.ops.jit import jit
from intarsia.ops.permutohedral_kernels import BLOCK
from intarsia.ops.vectors import LANES, combine, exp2_of_whole, scatter

LEAST_PROBABILITY = 1e-5
"""Probabilities below it are raised to it, as the reference program's Python interface does: no class is impossible."""

_LEAST, _ONE, _HALF = np.float32(LEAST_PROBABILITY), np.float32(1), np.float32(0.5)
_LOG2_E = np.float32(1 / math.log(2))
_SMALLEST = np.float32(-126)  # power of two that is a normal float32
# The series of 2 ** x, x in [-½, ½], to one unit of the last place.
_1, _2, _3, _4, _5, _6 = (np.float32(math.log(2) ** n / math.factorial(n)) for n in range(1, 7))


@jit
@no_type_check
def exp2(power):
    """2 to a power of at most 0, in a form that becomes vector instructions."""
    bounded = max(power, _SMALLEST)
    whole = np.floor(bounded + _HALF)
    x = bounded - whole
    series = _ONE + x * (_1 + x * (_2 + x * (_3 + x * (_4 + x * (_5 + x * _6)))))
    return series * exp2_of_whole(np.int32(whole))


@jit
@no_type_check
def mean_field_step(probabilities, pixels, vertices, weights, values, sums, refined, corners, is_first, is_last):
    """One step for the pixels of a strip: slice what blurring left, update the distributions, and splat them again.

    The update of Krähenbühl & Koltun 2011, algorithm 1, is p · exp(Σ weight · filtered), normalized, for the unary
    potential is −log p; so no logarithm is taken.

    Args:
        probabilities: float32 [K, N], the network's.
        pixels: the first pixel of the strip and the one after its last.
        vertices, weights: flat, of the strip (:class:`~intarsia.ops.permutohedral.Strip`).
        values, sums: the strip's parts of a :class:`~intarsia.ops.permutohedral.Filter`'s.
        refined: float32 [K, N], filled in the last step.
        corners: a tuple as long as a pixel has entries, so that their number is known to the compiler.
        is_first: nothing has been blurred yet; the distributions are the probabilities.
        is_last: the distributions are the result, and are not splatted.
    """
    classes, entries, count = probabilities.shape[0], len(corners), pixels[1] - pixels[0]
    padded = vertices.size // entries
    width = -(-classes // LANES) * LANES
    # One row a class, of a block of pixels. Columns beyond the last pixel hold something finite, of weight 0.
    state, prior = np.zeros(width * BLOCK, np.float32), np.ones(width * BLOCK, np.float32)
    most, total = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for start in range(0, padded, BLOCK):
        size = min(BLOCK, padded - start)
        real = min(BLOCK, count - start)
        at = pixels[0] + start
        for k in range(classes):
            for p in range(real):
                prior[k * BLOCK + p] = min(max(probabilities[k, at + p], _LEAST), _ONE)
        if is_first:
            state[: classes * BLOCK] = prior[: classes * BLOCK]
        else:
            for p in range(0, size, LANES):
                for column in range(0, width, LANES):
                    entry = (start + p) * entries
                    combine(state, column * BLOCK + p, BLOCK, values, width, column, vertices, weights, entry, corners)
            most[:] = state[:BLOCK]
            for k in range(1, classes):
                for p in range(BLOCK):
                    most[p] = max(most[p], state[k * BLOCK + p])
            for k in range(classes):
                for p in range(BLOCK):
                    power = (state[k * BLOCK + p] - most[p]) * _LOG2_E
                    state[k * BLOCK + p] = exp2(power) * prior[k * BLOCK + p]
        total[:] = 0
        for k in range(classes):
            for p in range(BLOCK):
                total[p] += state[k * BLOCK + p]
        for p in range(BLOCK):
            total[p] = _ONE / total[p]
        for k in range(classes):
            for p in range(BLOCK):
                state[k * BLOCK + p] *= total[p]
        if is_last:
            for k in range(classes):
                for p in range(real):
                    refined[k, at + p] = state[k * BLOCK + p]
        else:
            for p in range(0, size, LANES):
                for column in range(0, width, LANES):
                    entry = (start + p) * entries
                    scatter(state, column * BLOCK + p, BLOCK, sums, width, column, vertices, weights, entry, corners)
