"""Do errors gather along the seams of tiles? Predicting a picture in tiles leaves marks where a tile saw too little."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from intarsia.evaluate.checks import Finding
from intarsia.types import LabelMap

_REACH = 2  # pixels to either side of a seam that count as near it
_EXCESS = 1.2  # ratio of the error rates from which a seam of a known grid is worth naming
_LEVEL = 0.05  # share of the other positions of the grid that may be as bad
_CLEAR_EXCESS = 1.5  # the same ratio for a grid nobody named
_CLEAR = 6.0  # standard errors by which its seams must stand out: hundreds of grids are tried
_LEAST_TILE, _LEAST_SEAMS = 16, 3
_SMOOTH = 15  # rows or columns to either side that say what error rate to expect


@dataclass(frozen=True, eq=False)
class ErrorProfile:
    """Wrong and counted pixels by column and by row; add pictures with :meth:`__add__`, also of different sizes.

    Args:
        columns: int64 [2, W]: wrong pixels of each column, and those whose truth is no void.
        rows: int64 [2, H], likewise.
    """

    columns: Int64[np.ndarray, "2 width"]
    rows: Int64[np.ndarray, "2 height"]

    def __add__(self, other: ErrorProfile) -> ErrorProfile:
        """The profile of both, pictures lying upper left on upper left."""
        return ErrorProfile(_sum(self.columns, other.columns), _sum(self.rows, other.rows))


def error_profile(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "height width"],
    label_map: LabelMap,
    where: str | Path = "mask",
) -> ErrorProfile:
    """Count the wrong pixels of each column and row of one picture.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        predicted: class ids of the same size.
        label_map: what the ids mean.
        where: what to call the pair in an error.

    Raises:
        DataError: the truth holds an id that is neither a class nor the ignore id.
    """
    counted = label_map.ids_to_indices(truth, where) >= 0
    wrong = counted & (truth != predicted)
    columns, rows = (np.stack([wrong.sum(axis=axis), counted.sum(axis=axis)]) for axis in (0, 1))
    return ErrorProfile(columns, rows)


def seam_excess(profile: ErrorProfile, tile: int) -> Finding | None:
    """Compare the error rate within 2 pixels of the seams of a grid with that elsewhere.

    The seams lie at every multiple of ``tile`` from the picture's left and upper edge. Whether the excess is more than
    chance is told by the same grid shifted to every other position: of these, at most one in twenty may be as bad.

    Args:
        profile: the errors of all pictures.
        tile: the distance between seams in pixels: the tile's side, less the overlap of two tiles.

    Returns:
        None when the seams are less than 1.2 times as bad, not worse than shifted grids, or no picture has a seam.
    """
    ratios = np.array([_ratio(profile, tile, shift) for shift in range(tile)])
    if not ratios[0] >= _EXCESS:  # also NaN: no seam, or no error
        return None
    others = ratios[2 * _REACH + 1 : tile - 2 * _REACH]  # clear of the seams themselves
    others = others[~np.isnan(others)]
    level = (1 + np.count_nonzero(others >= ratios[0])) / (1 + len(others))
    if level > _LEVEL:
        return None
    return Finding(
        "tile seams",
        f"Within {_REACH} pixels of the seams of tiles of {tile} pixels, {ratios[0]:.1f} times as many pixels are "
        f"wrong as elsewhere (p = {level:.3f} against shifted grids)",
        "Predict with tiles that overlap and blend, or whole pictures",
        "warning",
    )


def seam_period(profile: ErrorProfile) -> Finding | None:
    """Look for a grid of seams nobody named: a period at which rows or columns are clearly worse than those around.

    Every period from 16 pixels to a quarter of the picture is tried, the excess of a row or column being its error
    rate less the median of the 30 around it. A period is reported only when its seams stand out by 6 standard errors,
    hold 1.5 times the errors of other places, and most of them are worse than what is around.
    """
    excesses = [_excess(each) for each in (profile.columns, profile.rows)]
    best = (0.0, 0)
    for tile in range(_LEAST_TILE, max(map(len, excesses)) // (_LEAST_SEAMS + 1) + 1):
        seams = [_at_seams(excess, tile) for excess in excesses if len(excess) > _LEAST_SEAMS * tile]
        found = np.concatenate(seams) if seams else np.empty(0)
        if len(found) >= _LEAST_SEAMS and np.mean(found > 1.0) >= 0.75:
            best = max(best, (float(found.mean() * np.sqrt(len(found))), -tile))
    strength, tile = best[0], -best[1]
    ratio = _ratio(profile, tile, 0) if tile else 0.0
    if strength < _CLEAR or ratio < _CLEAR_EXCESS:
        return None
    return Finding(
        "tile seams",
        f"Errors gather every {tile} pixels, as if pictures had been predicted in tiles: {ratio:.1f} times as many "
        "pixels are wrong there as elsewhere",
        f"Predict with tiles that overlap and blend; `--tile {tile}` tests this grid",
        "warning",
    )


def _ratio(profile: ErrorProfile, tile: int, shift: int) -> float:
    """The error rate near the seams over that elsewhere, columns and rows together; NaN where one is undefined."""
    near, elsewhere = np.zeros(2), np.zeros(2)
    for counts in (profile.columns, profile.rows):
        places = np.arange(counts.shape[1])
        seams = np.arange(shift or tile, counts.shape[1], tile)
        if seams.size:
            close = (places >= seams[:, None] - _REACH) & (places < seams[:, None] + _REACH)
            near += counts[:, close.any(axis=0)].sum(axis=1)
            elsewhere += counts[:, ~close.any(axis=0)].sum(axis=1)
    if not (near[1] and elsewhere[0]):
        return float("nan")
    return float(near[0] / near[1] / (elsewhere[0] / elsewhere[1]))


def _excess(counts: Int64[np.ndarray, "2 length"]) -> Float64[np.ndarray, "length"]:
    """How far each row's or column's error rate lies above those around it, in robust standard deviations."""
    rates = counts[0] / np.maximum(counts[1], 1)
    if len(rates) <= 2 * _SMOOTH:
        return np.zeros(len(rates))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rates, _SMOOTH, mode="reflect"), 2 * _SMOOTH + 1)
    excess = rates - np.median(around, axis=1)
    # 1.4826 times the median absolute deviation is the standard deviation of a normal distribution.
    spread = 1.4826 * float(np.median(np.abs(excess)))
    return excess / spread if spread > 0 else np.zeros(len(rates))


def _at_seams(excess: Float64[np.ndarray, "length"], tile: int) -> Float64[np.ndarray, "seams"]:
    """The excess at each seam: of the columns to its left and right, on average."""
    seams = np.arange(tile, len(excess), tile)
    return np.asarray((excess[seams - 1] + excess[seams]) / np.sqrt(2))


def _sum(first: Int64[np.ndarray, "2 a"], second: Int64[np.ndarray, "2 b"]) -> Int64[np.ndarray, "2 c"]:
    total = np.zeros((2, max(first.shape[1], second.shape[1])), np.int64)
    for counts in (first, second):
        total[:, : counts.shape[1]] += counts
    return total
