"""The compiled loops of the permutohedral lattice (Adams, Baek & Davis 2010, *Fast High-Dimensional Filtering Using the
Permutohedral Lattice*); :mod:`intarsia.ops.permutohedral` says what they are for.

A vertex is known by the first d of its d + 1 whole coordinates (they sum to zero), packed into one 63-bit number: the
sum of coordinate × ``strides``. Steps on the lattice are then additions to that number, and a comparison of two
vertices is one of two numbers. ``strides`` has d + 2 entries: that of coordinate d is 0, and the last is a constant
that makes every number of the picture positive.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from intarsia.ops.jit import jit
from intarsia.ops.vectors import LANES, add_row, blur_row, copy_row

BLOCK = 64
"""Pixels that one pass of a loop takes together, so that what it does to each becomes one vector instruction."""

_FIRST_CAPACITY = 1 << 12  # slots of a hash table, to begin with
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio: multiplying by it scatters neighbouring numbers
_HALF = np.uint64(32)
_LEAST = 1e-20  # of a sum that is divided by


@jit
@no_type_check
def find(key, slots, numbers):
    """The number of a key in a hash table, or −1 − its slot if it is not there."""
    mask = slots.size - 1
    slot = np.int64((np.uint64(key) * _GOLDEN) >> _HALF) & mask
    while slots[slot] != key:
        if slots[slot] < 0:
            return -1 - slot
        slot = (slot + 1) & mask
    return np.int64(numbers[slot])


@jit
@no_type_check
def table_of(keys, count, capacity):
    """A hash table of the first ``count`` of different keys, numbered in order; ``capacity`` is a power of two."""
    slots, numbers = np.full(capacity, -1, np.int64), np.empty(capacity, np.int32)
    for number in range(count):
        slot = -1 - find(keys[number], slots, numbers)
        slots[slot], numbers[slot] = keys[number], number
    return slots, numbers


@jit
@no_type_check
def unite(keys):
    """Number different keys in the order they first occur.

    Returns:
        The different keys, the number of each of ``keys``, and a hash table (slots, numbers).
    """
    capacity = 16
    while capacity < 2 * keys.size:
        capacity *= 2
    different, which, count = np.empty(keys.size, np.int64), np.empty(keys.size, np.int32), 0
    slots, numbers = table_of(different, 0, capacity)
    for at in range(keys.size):
        number = find(keys[at], slots, numbers)
        if number < 0:
            slot, number = -1 - number, count
            slots[slot], numbers[slot], different[number] = keys[at], number, keys[at]
            count += 1
        which[at] = number
    return different[:count].copy(), which, slots, numbers


@jit
@no_type_check
def link(keys, slots, numbers, step, base, backward, forward):
    """Set the rows (number + ``base``) of the vertices one ``step`` from each of ``keys``, where there are such."""
    for number in range(keys.size):
        next_one = find(keys[number] + step, slots, numbers)
        if next_one >= 0:
            forward[number] = base + next_one
            backward[next_one] = base + number


@jit
@no_type_check
def locate(image, rows, deviations, scales, strides, numbered_from, corner, vertices, weights):
    """Find the simplex around each pixel of some rows: its vertices and the pixel's barycentric weights.

    The steps are those of Adams et al. 2010, §3.1–3.2 and of the reference program, in float32 as there: a pixel that
    fell into another simplex by rounding would create vertices which change what its neighbours receive.

    Args:
        image: float32 [H, W, C] gray levels; C is 0 where position alone counts.
        rows: first row, and that after the last.
        deviations: standard deviations of column, row, and each channel: a tuple of d.
        scales: the diagonal of the elevation, a tuple of d.
        strides: see the module.
        numbered_from: the number of the first vertex.
        corner: where the d + 1 entries of a pixel begin within its entries.
        vertices: int32 [pixels, entries], to be filled.
        weights: float32 [pixels, entries], to be filled.

    Returns:
        The keys of the vertices, in the order of their numbers.
    """
    d = len(scales)
    width = image.shape[1]
    turn, inverse = np.int32(d + 1), np.float32(1) / np.float32(d + 1)
    elevated, rank = np.empty((d + 1, BLOCK), np.float32), np.empty((d + 1, BLOCK), np.int32)
    scaled, total = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    excess, origin = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int64)
    sorted_rest, sorted_stride = np.empty(d + 1, np.float32), np.empty(d + 1, np.int64)
    along = strides[:d].sum()
    count, keys = 0, np.empty(_FIRST_CAPACITY // 2, np.int64)
    slots, numbers = table_of(keys, 0, _FIRST_CAPACITY)
    pixel = 0
    for y in range(rows[0], rows[1]):
        for start in range(0, width, BLOCK):
            size = min(BLOCK, width - start)
            if count + size * (d + 1) > keys.size:
                grown = np.empty(4 * keys.size, np.int64)
                grown[:count] = keys[:count]
                keys = grown
                slots, numbers = table_of(keys, count, 2 * keys.size)
            # Elevation onto the plane x₀ + … + x_d = 0.
            total[:] = 0
            for j in range(d, 0, -1):
                for x in range(size):
                    if j == 1:
                        value = np.float32(start + x)
                    elif j == 2:
                        value = np.float32(y)
                    else:
                        value = image[y, start + x, j - 3]
                    scaled[x] = value / deviations[j - 1] * scales[j - 1]
                for x in range(size):
                    elevated[j, x] = total[x] - np.float32(j) * scaled[x]
                    total[x] += scaled[x]
            elevated[0] = total
            # The nearest point whose coordinates are multiples of d + 1; what remains stays in `elevated`.
            excess[:] = 0
            origin[:] = strides[d + 1]
            for i in range(d + 1):
                for x in range(size):
                    nearest = np.int32(np.rint(inverse * elevated[i, x]))
                    excess[x] += nearest
                    elevated[i, x] -= np.float32(nearest * turn)
                    origin[x] += np.int64(nearest * turn) * strides[i]
                    rank[i, x] = 0
            # The simplex is told by the order of what remains, from the largest on.
            for i in range(d):
                for j in range(i + 1, d + 1):
                    for x in range(size):
                        less = np.int32(elevated[i, x] < elevated[j, x])
                        rank[i, x] += less
                        rank[j, x] += np.int32(1) - less
            # Off the plane: those that rounding moved farthest are moved back.
            for i in range(d + 1):
                for x in range(size):
                    shifted = rank[i, x] + excess[x]
                    back = turn * (np.int32(shifted < 0) - np.int32(shifted > d))
                    rank[i, x] = shifted + back
                    elevated[i, x] = (elevated[i, x] - np.float32(back)) * inverse
                    origin[x] += np.int64(back) * strides[i]
            for x in range(size):
                for i in range(d + 1):
                    sorted_rest[rank[i, x]] = elevated[i, x]
                    sorted_stride[rank[i, x]] = strides[i]
                key, weight = origin[x], np.float32(1) + sorted_rest[d] - sorted_rest[0]
                for r in range(d, -1, -1):
                    number = find(key, slots, numbers)
                    if number < 0:
                        slot, number = -1 - number, count
                        slots[slot], numbers[slot], keys[number] = key, number, key
                        count += 1
                    vertices[pixel, corner + d - r] = numbered_from + number
                    weights[pixel, corner + d - r] = weight
                    weight = sorted_rest[r - 1] - sorted_rest[r]
                    key += along - (d + 1) * sorted_stride[r]
                pixel += 1
    return keys[:count].copy()


@jit
@no_type_check
def splat_ones(vertices, weights, sums):
    """Add the weights of all pixels to their vertices, in the first column of ``sums`` [rows * LANES]."""
    for pixel in range(vertices.shape[0]):
        for entry in range(vertices.shape[1]):
            sums[vertices[pixel, entry] * LANES] += weights[pixel, entry]


@jit
@no_type_check
def normalize(vertices, weights, values, first, last, gain):
    """Scale the weights of entries ``first`` … ``last`` − 1 of each pixel by √(gain ÷ the sum that reaches it).

    Splatting and slicing with such weights is the symmetric normalization of the kernel times ``gain``.
    """
    for pixel in range(vertices.shape[0]):
        reached = np.float32(0)
        for entry in range(first, last):
            reached += weights[pixel, entry] * values[vertices[pixel, entry] * LANES]
        scale = np.float32(np.sqrt(gain / (reached + _LEAST)))
        for entry in range(first, last):
            weights[pixel, entry] *= scale


@jit
@no_type_check
def list_members(to_row, starts, members):
    """List for each row the places of ``to_row`` that hold it: ``members[starts[row] : starts[row + 1]]``."""
    for row in to_row:
        starts[row + 1] += 1
    for row in range(starts.size - 1):
        starts[row + 1] += starts[row]
    filled = starts.copy()
    for place in range(to_row.size):
        members[filled[to_row[place]]] = place
        filled[to_row[place]] += 1


@jit
@no_type_check
def collect(sums, starts, members, table, width, first, last):
    """Set the rows ``first`` … ``last`` − 1 of ``table`` to the sums of their members' rows."""
    for row in range(first, last):
        for column in range(0, width, LANES):
            copy_row(table, row * width + column, sums, np.int64(members[starts[row]]) * width + column)
        for member in range(starts[row] + 1, starts[row + 1]):
            for column in range(0, width, LANES):
                add_row(table, row * width + column, sums, np.int64(members[member]) * width + column)


@jit
@no_type_check
def blur(old, new, backward, forward, base, width, first, last):
    """Set the rows ``first`` … ``last`` − 1 from ``base`` on to those of ``old`` plus half of either neighbour."""
    for number in range(first, last):
        behind, ahead = np.int64(backward[number]) * width, np.int64(forward[number]) * width
        for column in range(0, width, LANES):
            blur_row(new, old, (base + number) * width + column, behind + column, ahead + column)


@jit
@no_type_check
def spread(table, to_row, values, width, first, last):
    """Set the places ``first`` … ``last`` − 1 of ``values`` to their rows of ``table``."""
    for place in range(first, last):
        for column in range(0, width, LANES):
            copy_row(values, place * width + column, table, np.int64(to_row[place]) * width + column)
