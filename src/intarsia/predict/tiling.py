"""Where the tiles of a picture lie and how much each counts where; planning only, nothing is read or computed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from jaxtyping import Float32

from intarsia.errors import RecipeError
from intarsia.nn.receptive_field import Margin
from intarsia.ops.window import WindowKind, window


@dataclass(frozen=True, eq=False)
class Span:
    """One tile along one axis of a picture.

    Args:
        start: the first pixel the network sees.
        length: pixels the network sees.
        first: the first pixel of the picture that takes something from the tile.
        weights: float32 (0, 1], what each pixel from ``first`` on takes; over all tiles those of a pixel sum to 1.
    """

    start: int
    length: int
    first: int
    weights: Float32[np.ndarray, "_used"]

    @property
    def last(self) -> int:
        """One past the last pixel that takes something from the tile."""
        return self.first + len(self.weights)


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut: every row of tiles crosses every column of tiles.

    What a pixel gets is the sum over its tiles of logits times row weight times column weight.

    Args:
        rows: the tiles from top to bottom.
        columns: the tiles from left to right.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.rows[-1].last, self.columns[-1].last

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell this tiling from any other."""
        digest = hashlib.sha256()
        for span in (*self.rows, *self.columns):
            digest.update(repr((span.start, span.length, span.first, len(span.weights))).encode())
            digest.update(span.weights.tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Block:
    """A rectangle of the picture that is predicted, and stored, by itself.

    Args:
        top, left: its first row and column.
        height, width: its rows and columns.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """How many it holds."""
        return self.height * self.width

    @property
    def name(self) -> str:
        """What it is called in the ledger and in messages: its first row and column."""
        return f"y{self.top}-x{self.left}"


def exact_tiling(size: tuple[int, int], tile: int, margin: Margin, stride: int) -> Tiling:
    """Tiles that give each pixel what the network would give it were it shown the whole picture.

    A tile starts where the network's grid does, and only those of its pixels count that depend on nothing outside it.
    At the border of the picture the network finds in the tile the very border it finds in the whole.

    Args:
        size: height and width of the picture.
        tile: side in pixels of what the network sees; smaller pictures are one tile. Rounded up to whole strides.
        margin: how far a pixel's logits look, see :func:`~intarsia.nn.receptive_field.margin`.
        stride: after how many pixels the network's grid repeats.

    Raises:
        RecipeError: the tile is so small that no pixel of it sees all it depends on.
    """
    side = -(-tile // stride) * stride
    before, after = (-(-reach // stride) * stride for reach in (margin.before, margin.after))
    core = side - before - after
    if core < stride and side < max(size):
        raise RecipeError(
            f"in tiles of {tile} pixels no pixel sees all that the network looks at, {margin.before} pixels before and "
            f"{margin.after} after it",
            where="tile",
            remedy=f"Take tiles of {before + after + stride} pixels or more, or blend overlapping ones",
        )
    return Tiling(*(_exact_axis(length, side, before, core) for length in size))


def _exact_axis(length: int, side: int, before: int, core: int) -> tuple[Span, ...]:
    if length <= side:
        return (Span(0, length, 0, np.ones(length, np.float32)),)
    # The first tile needs no margin before it and the last none after it, which therefore reaches to the very end.
    count = 1 + -(-(length - side) // core)
    spans = []
    first = 0
    for index in range(count):
        start = index * core
        last = length if index == count - 1 else start + before + core
        spans.append(Span(start, min(side, length - start), first, np.ones(last - first, np.float32)))
        first = last
    return tuple(spans)


def blended_tiling(size: tuple[int, int], tile: int, overlap: float, kind: WindowKind = "gaussian") -> Tiling:
    """Overlapping tiles whose results fade into each other.

    For networks that look at all they are shown, which no cutting leaves as it was. Tiles end where the picture does:
    networks have learned from crops what to make of an edge, and do worse with a picture that is continued around it.

    Args:
        size: height and width of the picture.
        tile: side in pixels of what the network sees; a side of the picture below it is one tile.
        overlap: the share of a tile that the next one covers again, in [0, 1).
        kind: the weights, see :func:`~intarsia.ops.window.window`.

    Raises:
        RecipeError: the overlap leaves no step from one tile to the next.
    """
    if not 0 <= overlap < 1:
        raise RecipeError(
            f"an overlap of {overlap:g} of a tile is not possible",
            where="overlap",
            remedy="Give a share from 0 to below 1, 0.25 say",
        )
    step = max(1, round(tile * (1 - overlap)))
    return Tiling(*(_blended_axis(length, tile, step, window(tile, kind)) for length in size))


def _blended_axis(length: int, tile: int, step: int, weights: Float32[np.ndarray, " tile"]) -> tuple[Span, ...]:
    if length <= tile:
        return (Span(0, length, 0, np.ones(length, np.float32)),)
    starts = [*range(0, length - tile, step), length - tile]
    total = np.zeros(length, np.float64)
    for start in starts:
        total[start : start + tile] += weights
    return tuple(
        Span(start, tile, start, (weights / total[start : start + tile]).astype(np.float32)) for start in starts
    )


def blocks(tiling: Tiling, side: int) -> list[Block]:
    """Cut a picture into blocks of about ``side``² pixels at most, row by row from the top left.

    They end where that costs the fewest tiles twice: between exact tiles none, within blended ones one.

    Args:
        tiling: of the picture.
        side: rows and columns of a block; a single tile's pixels are never cut, should they be more.
    """
    rows, columns = (_cuts(spans, side) for spans in (tiling.rows, tiling.columns))
    return [
        Block(top, left, bottom - top, right - left)
        for (top, bottom), (left, right) in product(pairwise(rows), pairwise(columns))
    ]


def _cuts(spans: Sequence[Span], side: int) -> list[int]:
    """The borders of blocks along one axis, first and last included."""
    apart = all(one.last <= other.first for one, other in pairwise(spans))
    places = [span.first if apart else span.start + span.length // 2 for span in spans]
    cuts = [0]
    length = spans[-1].last
    for place, following in pairwise([*(each for each in places if 0 < each < length), length]):
        if following - cuts[-1] > side:
            cuts.append(place)
    return [*cuts, length]


def within(spans: Sequence[Span], first: int, last: int) -> tuple[Span, ...]:
    """The tiles along one axis that pixels from ``first`` to before ``last`` take something from, cut to these."""
    return tuple(
        Span(
            span.start,
            span.length,
            max(span.first, first),
            span.weights[max(first - span.first, 0) : last - span.first],
        )
        for span in spans
        if span.first < last and span.last > first
    )
