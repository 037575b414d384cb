"""Loops over surface elements."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from intarsia.ops.jit import jit


@jit
@no_type_check
def look_up_labels(truth, predicted, index_of_id, void, true_labels, predicted_labels):
    """Write the class index of every id, −1 where it or its truth is ``void``; return the largest index met."""
    largest = 0
    for at in range(truth.size):
        true, label = index_of_id[truth[at]], index_of_id[predicted[at]]
        largest = max(largest, true, label)
        true_labels[at] = -1 if true == void else true
        predicted_labels[at] = -1 if true == void or label == void else label
    return largest


@jit
@no_type_check
def gather_elements(labels, firsts, steps, owners, rows, codes):
    """List the classes around each corner, with the code of the pixels that are theirs; return how many there are."""
    count = 0
    for row in range(firsts.size):
        start = count
        for bit in range(steps.size):
            label = labels[firsts[row] + steps[bit]]
            if label < 0:
                continue
            at = start
            while at < count and owners[at] != label:
                at += 1
            if at == count:
                owners[at], rows[at], codes[at] = label, row, 0
                count += 1
            codes[at] |= 1 << bit
    return count


@jit
@no_type_check
def nearest_squared(corners, others, offsets, squares, limit, step, nearest):
    """Write the squared distance from each corner to the nearest of ``others``; NaN where it exceeds ``limit``.

    Rows of corners are searched in order of their own squared distance, until no later one can hold a nearer corner. In
    each row a cursor stands where the last search ended: the next one, from a neighbor, ends close by.
    """
    low0, high0 = others[:, 0].min(), others[:, 0].max()
    low1, high1 = others[:, 1].min(), others[:, 1].max()
    width = high1 - low1 + 1
    starts = np.zeros((high0 - low0 + 1) * width + 1, np.int64)
    for at in range(len(others)):
        starts[(others[at, 0] - low0) * width + others[at, 1] - low1 + 1] += 1
    for row in range(1, starts.size):
        starts[row] += starts[row - 1]
    cursors = starts[:-1].copy()
    columns = others[:, 2].copy()
    for at in range(len(corners)):
        column = corners[at, 2]
        best = np.inf
        for which in range(squares.size):
            if squares[which] >= best:
                break
            plane, row = corners[at, 0] + offsets[which, 0], corners[at, 1] + offsets[which, 1]
            if plane < low0 or plane > high0 or row < low1 or row > high1:
                continue
            place = (plane - low0) * width + row - low1
            first, end = starts[place], starts[place + 1]
            if first == end:
                continue
            cursor = cursors[place]
            while cursor > first and columns[cursor - 1] >= column:
                cursor -= 1
            while cursor < end and columns[cursor] < column:
                cursor += 1
            cursors[place] = cursor
            if cursor < end:
                best = min(best, squares[which] + ((columns[cursor] - column) * step) ** 2)
            if cursor > first:
                best = min(best, squares[which] + ((column - columns[cursor - 1]) * step) ** 2)
        nearest[at] = best if best <= limit else np.nan
