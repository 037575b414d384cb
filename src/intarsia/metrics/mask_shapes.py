"""What masks look like, without a truth: how much of each class, in how many pieces, of which size and how ragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import no_type_check

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from intarsia.metrics.causes_pieces import SIZES
from intarsia.ops.components import connected_components
from intarsia.ops.jit import jit
from intarsia.types import IGNORE_INDEX, LabelMap

SPECK = SIZES[0]
"""Pieces of fewer pixels are specks."""
LATTICE = 32
"""The largest size of blocks that is looked for."""


@dataclass(frozen=True, eq=False)
class MaskCounts:
    """What is counted of a mask; additive over pictures. Pieces are 8-connected.

    Args:
        pixels: of each class [..., K+1], void last.
        pictures: 1 for each class [..., K] that occurs.
        pieces: connected pieces of each class [..., K].
        specks: those of fewer than :data:`SPECK` pixels.
        speck_pixels: their pixels.
        outline: pixel edges [..., K] between the class and another one, specks left out.
        smoothed_outline: the same after each pixel took the most frequent class of the 3×3 around it.
        lattice: pixel edges between classes [..., 32], by their column (or row) modulo 32.
        uniform: 1 for a picture [..., 1] with at most one class.
    """

    pixels: Int64[np.ndarray, "*batch k1"] | Float64[np.ndarray, "*batch k1"]
    pictures: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    pieces: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    specks: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    speck_pixels: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    outline: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    smoothed_outline: Int64[np.ndarray, "*batch k"] | Float64[np.ndarray, "*batch k"]
    lattice: Int64[np.ndarray, "*batch 32"] | Float64[np.ndarray, "*batch 32"]
    uniform: Int64[np.ndarray, "*batch 1"] | Float64[np.ndarray, "*batch 1"]


def count_mask(
    mask: Shaped[np.ndarray, "height width"], label_map: LabelMap, where: str | Path = "mask"
) -> tuple[MaskCounts, Int64[np.ndarray, "found 2"]]:
    """Count one mask.

    Args:
        mask: class ids, uint8 or uint16 [H, W].
        label_map: what the ids mean; K classes.
        where: what to call the mask in an error.

    Returns:
        The counts; and the class index and the pixels of each piece that is not a speck.

    Raises:
        DataError: an id that is neither a class nor the ignore id.
    """
    count = label_map.num_classes
    indices = label_map.ids_to_indices(mask, where)
    numbers = np.where(indices == IGNORE_INDEX, 0, indices + 1).astype(np.uint8 if count < 255 else np.uint16)
    pixels = np.bincount(numbers.ravel(), minlength=count + 1).astype(np.int64)
    pieces, found = connected_components(numbers)
    areas = np.bincount(pieces.ravel(), minlength=found + 1)
    classes = np.zeros(found + 1, np.intp)
    classes[pieces.ravel()] = numbers.ravel()
    classes, small = classes[1:] - 1, areas[1:] < SPECK
    lattice = np.zeros(LATTICE, np.int64)
    numbers[np.concatenate([[False], small])[pieces]] = 0
    outline, smoothed = np.zeros((2, count + 1), np.int64)
    _count_edges(numbers, outline, lattice)
    _count_edges(_most_frequent(numbers), smoothed, np.zeros_like(lattice))
    counted = MaskCounts(
        pixels=np.append(pixels[1:], pixels[0]),
        pictures=(pixels[1:] > 0).astype(np.int64),
        pieces=np.bincount(classes, minlength=count).astype(np.int64),
        specks=np.bincount(classes[small], minlength=count).astype(np.int64),
        speck_pixels=np.bincount(classes[small], areas[1:][small], minlength=count).astype(np.int64),
        outline=outline[1:],
        smoothed_outline=smoothed[1:],
        lattice=lattice,
        uniform=np.array([np.count_nonzero(pixels[1:]) <= 1], np.int64),
    )
    return counted, np.stack([classes, areas[1:]], axis=1)[~small].astype(np.int64)


def area_quantiles(areas: Mapping[int, int], quantiles: Sequence[float]) -> list[int | None]:
    """For each quantile the size of the piece that, from the smallest on, reaches that share of all; exact.

    Args:
        areas: how many pieces there are of each size in pixels.
        quantiles: in (0, 1]; 0.5 is the median, of an even number of pieces the lower one.

    Returns:
        None for each without a piece.
    """
    if not areas:
        return [None] * len(quantiles)
    sizes = sorted(areas)
    reached = np.cumsum([areas[size] for size in sizes])
    return [sizes[int(np.searchsorted(reached, q * reached[-1] - 1e-9))] for q in quantiles]


def roughness(counts: MaskCounts) -> Float64[np.ndarray, "*batch k"]:
    """The share of each class's outline that smoothing over 3×3 pixels takes away; NaN without an outline.

    Near 0 for smooth and for straight outlines, whatever their direction; ragged ones and lines of one pixel lose much.
    """
    share = np.full(np.shape(counts.outline), np.nan)
    np.divide(counts.smoothed_outline, counts.outline, out=share, where=np.asarray(counts.outline) > 0)
    return np.asarray(np.maximum(1 - share, 0))


def block_size(counts: MaskCounts) -> int:
    """The size of the blocks masks are made of: 2 to 32 where nine tenths of the outlines lie on multiples of it; or 1.

    Blocks come from enlarging masks by nearest neighbor. Only counts of all pictures together are taken.
    """
    total = counts.lattice.sum()
    for size in (32, 16, 8, 4, 2):
        if total > 0 and counts.lattice[::size].sum() >= 0.9 * total:
            return size
    return 1


@jit
@no_type_check
def _count_edges(numbers, outline, lattice):
    """Count pixel edges between two classes: for each of both, and by their place modulo the lattice."""
    height, width = numbers.shape
    period = lattice.shape[0]
    for y in range(height):
        for x in range(width):
            own = numbers[y, x]
            if own == 0:
                continue
            if x > 0 and numbers[y, x - 1] != own and numbers[y, x - 1] != 0:
                outline[own] += 1
                outline[numbers[y, x - 1]] += 1
                lattice[x % period] += 1
            if y > 0 and numbers[y - 1, x] != own and numbers[y - 1, x] != 0:
                outline[own] += 1
                outline[numbers[y - 1, x]] += 1
                lattice[y % period] += 1


@jit
@no_type_check
def _most_frequent(numbers):
    """Give each pixel the most frequent class of the 3×3 around it, its own where that is one of several."""
    height, width = numbers.shape
    smoothed = numbers.copy()
    around = np.zeros(9, np.int64)
    for y in range(height):
        for x in range(width):
            own = numbers[y, x]
            known, alike = 0, True
            for dy in range(max(y - 1, 0), min(y + 2, height)):
                for dx in range(max(x - 1, 0), min(x + 2, width)):
                    if numbers[dy, dx] != 0:
                        around[known] = numbers[dy, dx]
                        alike = alike and numbers[dy, dx] == own
                        known += 1
            if alike or own == 0:
                continue
            best, most = own, 0
            for each in range(known):
                if around[each] == own:
                    most += 1
            for candidate in range(known):
                times = 0
                for each in range(known):
                    if around[each] == around[candidate]:
                        times += 1
                if times > most:
                    best, most = around[candidate], times
            smoothed[y, x] = best
    return smoothed
