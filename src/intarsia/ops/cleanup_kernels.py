"""The compiled loops that clean masks: once over the pixels, then over pieces and the borders between them.

A piece is a connected component, by its number in ``pieces`` [D, H, W]; 0 is void, which is nobody's neighbor.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int32

from intarsia.ops.jit import jit

# A waiting piece is size · 2³² + number: the smallest comes first, of equal ones the first that is read.
SIZE_SHIFT = 32
_NUMBER = (1 << SIZE_SHIFT) - 1


class Borders(NamedTuple):
    """Who lies beside each piece that is not settled: for each a chain of entries.

    Args:
        heads: of each piece, its newest entry; −1 where it has none.
        older: of each entry, the next older one of the same piece; −1 after the oldest.
        others: of each entry, the neighbor; one may come several times.
        lengths: of each entry, the border that is shared; 0 where only corners meet.
    """

    heads: Int32[np.ndarray, "_pieces"]
    older: Int32[np.ndarray, "_entries"]
    others: Int32[np.ndarray, "_entries"]
    lengths: Float32[np.ndarray, "_entries"]


class Pieces(NamedTuple):
    """What is known of each piece, and which have grown together; all arrays have an entry a piece.

    Args:
        parents: another piece that stands for it, or itself if it stands for all that have grown together with it:
            only then the entries below are valid.
        sizes: in pixels.
        classes: by their codes, from 1.
        settled: whether it stays what it is.
        following: the next of the pieces that have grown together, from the one that stands for all; 0 after the last.
        ends: the last of them.
    """

    parents: Int32[np.ndarray, "_pieces"]
    sizes: Int32[np.ndarray, "_pieces"]
    classes: Int32[np.ndarray, "_pieces"]
    settled: Bool[np.ndarray, "_pieces"]
    following: Int32[np.ndarray, "_pieces"]
    ends: Int32[np.ndarray, "_pieces"]


@jit
@no_type_check
def survey(pieces, codes, sizes, classes):
    """Count the pixels of each piece into ``sizes`` and note its code in ``classes``; all arrays are flat."""
    start = 0
    for at in range(1, pieces.size + 1):
        if at == pieces.size or pieces[at] != pieces[start]:
            sizes[pieces[start]] += at - start
            classes[pieces[start]] = codes[start]
            start = at


@jit
@no_type_check
def paint(labels, pieces, values, painted):
    """Give each pixel of a piece its value; pixels of none keep their label. All arrays are flat."""
    for at in range(labels.size):
        piece = pieces[at]
        painted[at] = values[piece] if piece else labels[at]


@jit
@no_type_check
def fill(labels, pieces, is_hole, label):
    """Give the pixels of the pieces that are holes a label, in place. All arrays are flat."""
    for at in range(labels.size):
        if is_hole[pieces[at]]:
            labels[at] = label


@jit
@no_type_check
def list_borders(pieces, settled, steps, measures):
    """List the borders of all pieces that are not settled, as :class:`Borders`.

    Args:
        pieces: uint32 [D, H, W].
        settled: a flag a piece; settled ones get no entries.
        steps: int64 [S, 3], from a pixel to its neighbors as depth, rows, columns.
        measures: float32 [S], the edge or face that it shares with each of them; 0 where only corners meet.
    """
    depth, height, width = pieces.shape
    borders = Borders(
        np.full(settled.size, -1, np.int32), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    )
    used = 0
    columns = np.empty(width, np.int64)
    for z in range(depth):
        for y in range(height):
            count = 0  # of pixels in the row that are of pieces to list
            for x in range(width):
                columns[count] = x
                count += not settled[pieces[z, y, x]]
            if used + count * len(measures) > borders.older.size:
                borders = _with_room(borders, used, 2 * used + count * len(measures))
            for step in range(len(measures)):
                up, down, right = steps[step, 0], steps[step, 1], steps[step, 2]
                if not (0 <= z + up < depth and 0 <= y + down < height):
                    continue
                for at in range(count):
                    x = columns[at]
                    if not 0 <= x + right < width:
                        continue
                    piece, other = pieces[z, y, x], pieces[z + up, y + down, x + right]
                    if piece == other or other == 0:
                        continue
                    if measures[step] == 0:
                        # Where a pixel between the two is of one of them, they touch there too, and more closely.
                        first = pieces[z + up, y, x] if up else pieces[z, y + down, x]
                        second = pieces[z, y + down, x + right] if up else pieces[z, y, x + right]
                        if (first == piece) | (first == other) | (second == piece) | (second == other):
                            continue
                    newest = borders.heads[piece]
                    # Mostly a border goes on that was met a pixel or, with another between, a row before.
                    known = newest
                    if known >= 0 and borders.others[known] != other:
                        known = borders.older[known]
                    if known >= 0 and borders.others[known] == other:
                        borders.lengths[known] += measures[step]
                        continue
                    borders.older[used], borders.others[used] = newest, other
                    borders.lengths[used] = measures[step]
                    borders.heads[piece] = used
                    used += 1
    return borders


@jit
@no_type_check
def _with_room(borders, used, room):
    """The same borders with room for so many entries."""
    older, others = np.empty(room, np.int32), np.empty(room, np.int32)
    lengths = np.empty(room, np.float32)
    older[:used] = borders.older[:used]
    others[:used] = borders.others[:used]
    lengths[:used] = borders.lengths[:used]
    return Borders(borders.heads, older, others, lengths)


@jit
@no_type_check
def dissolve(waiting, borders, pieces, least):
    """Let each waiting piece take the class that surrounds it most, the smallest first, until all are settled.

    A piece grows together with all its neighbors of the class it takes. If none of these is settled and the whole is
    not as large as its class asks, it waits again. A piece without neighbors stays what it is.

    Args:
        waiting: int64, size · 2³² + number of each piece that is not settled, ascending.
        borders: of these.
        pieces: changed in place.
        least: by class, the size from which a piece is settled.
    """
    contact = np.zeros(least.size, np.float64)
    again = [np.int64(0)]
    again.pop()
    taken = 0
    while taken < waiting.size or len(again) > 0:
        if len(again) > 0 and (taken == waiting.size or again[0] < waiting[taken]):
            key = heapq.heappop(again)
        else:
            key = waiting[taken]
            taken += 1
        piece = key & _NUMBER
        if pieces.parents[piece] != piece or pieces.sizes[piece] != key >> SIZE_SHIFT:
            continue  # it has grown together with another since
        found = _surrounding(piece, borders, pieces, contact)
        if found == 0:
            continue
        whole = _grow(piece, found, borders, pieces, contact)
        if pieces.sizes[whole] >= least[found]:
            pieces.settled[whole] = True
        elif not pieces.settled[whole]:
            heapq.heappush(again, (np.int64(pieces.sizes[whole]) << SIZE_SHIFT) | whole)


@jit
@no_type_check
def _surrounding(piece, borders, pieces, contact):
    """The class that shares most border with a piece, of equal ones the first; 0 if none does. Fills ``contact``."""
    found, member = 0, piece
    while member != 0:
        at = borders.heads[member]
        while at >= 0:
            other = root(pieces.parents, borders.others[at])
            if other != piece:
                each = pieces.classes[other]
                contact[each] += borders.lengths[at]
                if contact[each] > contact[found] or (contact[each] == contact[found] and each < found):
                    found = each
            at = borders.older[at]
        member = pieces.following[member]
    return found


@jit
@no_type_check
def _grow(piece, found, borders, pieces, contact):
    """Give a piece the class ``found`` and join it with its neighbors of that class; clears ``contact``.

    Returns:
        The piece that stands for the whole: the first that is read.
    """
    whole, member, last = piece, piece, pieces.ends[piece]
    while True:
        at = borders.heads[member]
        while at >= 0:
            other = root(pieces.parents, borders.others[at])
            contact[pieces.classes[other]] = 0
            if other != whole and pieces.classes[other] == found:
                low, high = min(whole, other), max(whole, other)
                pieces.parents[high] = low
                pieces.sizes[low] += pieces.sizes[high]
                pieces.settled[low] |= pieces.settled[high]
                pieces.following[pieces.ends[low]] = high
                pieces.ends[low] = pieces.ends[high]
                whole = low
            at = borders.older[at]
        if member == last:
            break
        member = pieces.following[member]
    pieces.classes[whole] = found
    return whole


@jit
@no_type_check
def root(parents, piece):
    """The piece that stands for all that have grown together with ``piece``."""
    while parents[piece] != piece:
        parents[piece] = parents[parents[piece]]
        piece = parents[piece]
    return piece


@jit
@no_type_check
def final_classes(pieces, classes):
    """The class of each piece in the end."""
    for piece in range(classes.size):
        classes[piece] = pieces.classes[root(pieces.parents, piece)]
