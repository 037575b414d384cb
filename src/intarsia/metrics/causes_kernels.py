"""The loops over pixels behind :mod:`intarsia.metrics.causes`.

All take masks of class *numbers*: 0 for void, k + 1 for the class of index k; and the pieces of each, numbered from 1
by :func:`~intarsia.ops.components.connected_components` (0 on void).
"""

from __future__ import annotations

from typing import no_type_check

from intarsia.ops.jit import jit

CLASS, AREA, HITS, FAR, COVER = range(5)
"""Columns of a table of pieces; see :func:`survey`."""

SUSPECT, SIZE, LOST, MISSED, RANK = range(5)
"""Columns of the state of true pieces: flags, the column of causes for its size, its row in the table of contacts."""
BASELESS, SPECK = 2, 3
"""Columns of the state of predicted pieces, beside ``SUSPECT`` and ``SIZE``."""

MISS, FALSE = range(2)
"""The two sides of the table of causes [class, side, cause]: misses of the class, and its false positives."""
BOUNDARY, NOISE, PARTIAL, FIRST_SIZE = range(4)
"""Its columns: three fixed ones, then one a size stratum, then one a class confused with."""


@jit
@no_type_check
def survey(true, found, true_pieces, found_pieces, near, true_table, found_table):
    """Fill the tables, one row a piece: class number, pixels, right ones, wrong ones far from borders, cover.

    ``cover`` is filled for true pieces only: the one predicted piece that covers them whole, or -1.
    """
    height, width = true.shape
    for y in range(height):
        start = 0
        while start < width:
            # Along a run of one true and one predicted piece only the band changes: one visit to the tables a run.
            piece, other, far, x = true_pieces[y, start], found_pieces[y, start], 0, start
            while x < width and true_pieces[y, x] == piece and found_pieces[y, x] == other:
                far += not near[y, x]
                x += 1
            area, t, p = x - start, true[y, start], found[y, start]
            start = x
            if t == 0:
                continue
            if true_table[piece, AREA] == 0:
                true_table[piece, COVER] = other
            elif true_table[piece, COVER] != other:
                true_table[piece, COVER] = -1
            true_table[piece, CLASS] = t
            found_table[other, CLASS] = p
            column, amount = (HITS, area) if t == p else (FAR, far)
            for table, row in ((true_table, piece), (found_table, other)):
                table[row, AREA] += area
                table[row, column] += amount


@jit
@no_type_check
def count_contacts(true, pieces, rank, contacts):
    """Count, for the pieces with a rank ≥ 0, their edges towards each other class (column 0: void)."""
    height, width = true.shape
    for y in range(height):
        for x in range(width):
            t = true[y, x]
            row = rank[pieces[y, x]]
            if row < 0:
                continue
            if y > 0 and true[y - 1, x] != t:
                contacts[row, true[y - 1, x]] += 1
            if y < height - 1 and true[y + 1, x] != t:
                contacts[row, true[y + 1, x]] += 1
            if x > 0 and true[y, x - 1] != t:
                contacts[row, true[y, x - 1]] += 1
            if x < width - 1 and true[y, x + 1] != t:
                contacts[row, true[y, x + 1]] += 1


@jit
@no_type_check
def count_fills(true, found, true_pieces, found_pieces, true_state, found_state, background, vanished, fills):
    """Count what lies where lost true pieces should be.

    ``vanished`` counts, for each piece, the pixels that became background or void; ``fills``, for each rank and class,
    those that became part of a predicted piece that is right elsewhere. A piece without a rank is a speck: whatever is
    right around it has closed over it, so this counts as vanished, too.
    """
    for y in range(true.shape[0]):
        for x in range(true.shape[1]):
            piece, p = true_pieces[y, x], found[y, x]
            if true[y, x] == p or not true_state[piece, LOST]:
                continue
            rank, grounded = true_state[piece, RANK], not found_state[found_pieces[y, x], BASELESS]
            if p == 0 or p == background or (grounded and rank < 0):
                vanished[piece] += 1
            elif grounded:
                fills[rank, p] += 1


@jit
@no_type_check
def attribute(true, found, true_pieces, found_pieces, near, true_state, found_state, background, causes, suspects):
    """Give every wrong pixel one cause as a miss of its true class, and one as a false positive of the predicted one.

    Suspects go into a table [true class, predicted class] of their own; they count as both, too.
    """
    first_class = causes.shape[2] - causes.shape[0]
    for y in range(true.shape[0]):
        for x in range(true.shape[1]):
            t, p = true[y, x], found[y, x]
            if t == p or t == 0:
                continue
            i, j = t - 1, p - 1
            object_, region = true_state[true_pieces[y, x]], found_state[found_pieces[y, x]]
            taken_for, taken_from = first_class + j, first_class + i
            to_nothing = p == 0 or p == background
            if object_[SUSPECT] or region[SUSPECT]:
                suspects[i, j] += 1
                continue
            if region[SPECK]:
                causes[i, MISS, NOISE] += 1
                causes[j, FALSE, NOISE] += 1
                continue
            if object_[LOST]:
                miss = object_[SIZE] if object_[MISSED] or to_nothing else taken_for
            elif region[BASELESS]:
                miss = taken_for
            elif near[y, x]:
                miss = BOUNDARY
            else:
                miss = PARTIAL if to_nothing else taken_for
            causes[i, MISS, miss] += 1
            if p == 0:
                continue
            if region[BASELESS] and not (object_[LOST] and not object_[MISSED]):
                false = region[SIZE]
            elif object_[LOST]:
                false = taken_from
            elif near[y, x]:
                false = BOUNDARY
            else:
                false = PARTIAL if t == background else taken_from
            causes[j, FALSE, false] += 1
