"""Where classes meet, and how far a pixel is from there: the one definition every boundary figure uses.

A *boundary pixel* of a class is a pixel of that class with a 4-neighbor of another class. Each border has therefore
two sides, one pixel wide each. Void is no class: a void pixel is no boundary pixel, and makes none of its neighbors
one, because nobody knows what is there. The picture's frame is no boundary either: the object may go on behind it.

:func:`class_bands` alone counts the frame, because Boundary IoU does.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Integer

from intarsia.ops.jit import jit
from intarsia.types import IGNORE_INDEX


def class_boundaries(
    labels: Integer[np.ndarray, "height width"], void: int | None = IGNORE_INDEX
) -> Bool[np.ndarray, "height width"]:
    """Mark the boundary pixels of all classes; the boundary of one class is the marked pixels of that class.

    Args:
        labels: class indices or ids, any integer dtype.
        void: the label that is no class, or None when every label is one.

    Returns:
        True on pixels with a 4-neighbor of another class, neither of the two being void.
    """
    marked = np.zeros(labels.shape, bool)
    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        differ = labels[first] != labels[second]
        if void is not None:
            differ &= labels[first] != void
            differ &= labels[second] != void
        marked[first] |= differ
        marked[second] |= differ
    return marked


def squared_distance_within(
    boundaries: Bool[np.ndarray, "height width"], reach: int
) -> Float32[np.ndarray, "height width"]:
    """The squared Euclidean distance of every pixel to the nearest marked one, between centers, exact near it.

    Looking only so far is many times faster than a distance transform of the whole picture: the distance along columns
    comes first, then the least sum of squares along rows (Saito & Toriwaki, Pattern Recognition 1994), of which only
    ``reach`` pixels to either side matter here.

    Args:
        boundaries: True on boundary pixels, as :func:`class_boundaries` marks them.
        reach: how far to look, in pixels; the time grows with it.

    Returns:
        The squared distance where it is at most ``reach``², a whole number; some larger number everywhere else.
    """
    squared = np.empty(boundaries.shape, np.float32)
    _spread(np.ascontiguousarray(boundaries), np.empty_like(squared), reach, squared)
    return squared


def class_bands(
    labels: Integer[np.ndarray, "height width"], width: int, void: int | None = IGNORE_INDEX
) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels within ``width`` pixels of another class or of the outside of the picture.

    This is, for all classes at once, each class's mask without its erosion by a square of 2·``width`` + 1 pixels, the
    outside of the picture not being of the class (Cheng et al., Boundary IoU, CVPR 2021: "G_d ∩ G"). Void is neither
    the class nor another one: it is as if each class went on below it.

    Args:
        labels: class indices or ids, any integer dtype.
        width: in pixels by chessboard distance, ≥ 1; 1 marks the pixels that touch another class or the frame.
        void: the label that is no class, or None when every label is one.

    Returns:
        True in the bands; False on void.
    """
    assert width >= 1
    labels = np.ascontiguousarray(labels)
    known = np.ones(labels.shape, bool) if void is None else labels != void
    marked = known.copy()
    _clear_far_from_others(labels, known, width, marked)
    return marked


@jit
@no_type_check
def _spread(marked, vertical, reach, squared):
    """Fill ``squared``; ``vertical`` is room for the distances along columns."""
    # Views of whole rows, selects in place of branches and one dtype throughout: what it takes to be vectorized.
    height, width = marked.shape
    one, far = np.float32(1), np.float32(reach + 1)
    nearest = np.full(width, far, np.float32)  # of each column, so far
    for y in range(height):
        row, here = vertical[y], marked[y]
        for x in range(width):
            steps = min(nearest[x] + one, far)
            row[x] = nearest[x] = np.float32(0) if here[x] else steps
    nearest[:] = far
    squares = np.full(width + 2 * reach, far * far, np.float32)  # of one row, with margins
    middle = squares[reach : reach + width]
    for y in range(height - 1, -1, -1):
        row, out = vertical[y], squared[y]
        any_near = False
        for x in range(width):
            nearest[x] = min(nearest[x] + one, row[x])
            any_near |= nearest[x] < far
            middle[x] = out[x] = nearest[x] * nearest[x]
        last = min(reach, width - 1) if any_near else 0
        for step in range(1, last + 1):
            left = squares[reach - step : reach - step + width]
            right = squares[reach + step : reach + step + width]
            more = np.float32(step * step)
            for x in range(width):
                out[x] = min(out[x], min(left[x], right[x]) + more)


@jit
@no_type_check
def _clear_far_from_others(labels, known, width, marked):
    """Clear ``marked`` where the square around a pixel lies in the picture and holds no other known label."""
    height, columns = labels.shape
    never = -2 * width - 1
    label_above = np.zeros(columns, labels.dtype)  # the last known label of each column so far,
    at_row = np.full(columns, never, np.int32)  # its row,
    other_row = np.full(columns, never, np.int32)  # and the last row of another one
    for y in range(height):
        for x in range(columns):
            if known[y, x]:
                if labels[y, x] != label_above[x]:
                    other_row[x] = at_row[x]
                label_above[x] = labels[y, x]
                at_row[x] = y
        first_row = y - 2 * width
        if first_row < 0 or columns <= 2 * width:
            continue
        # Of the square around row y - width, column x holds no known label, one, or several. The same again along
        # the row: `conflict` is the last column that, with those up to x, holds more than one label.
        label, at, conflict = labels[y, 0], never, never
        for x in range(columns):
            if at_row[x] >= first_row:
                if other_row[x] >= first_row:
                    conflict = x
                elif label_above[x] != label:
                    conflict = max(conflict, at)
                label, at = label_above[x], x
            if x >= 2 * width and conflict < x - 2 * width:
                marked[y - width, x - width] = False
