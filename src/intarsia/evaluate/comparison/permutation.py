"""Could the difference between two models be chance? Swapping them picture by picture tells.

If A and B were equally good, it would not matter which of the two made which prediction. So the predictions of a group
(a patient, a video; pictures of one group resemble each other and are swapped together) change sides by the toss of a
coin, and the difference is computed again. The p-value is the share of such swaps that differ at least as much as the
models do. It assumes nothing about the figure's distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.statistics import sum_by_group
from intarsia.metrics.counts import Counts, flatten, unflatten

_CHUNK = 2**22  # numbers held at once of any one kind: 32 MiB
_ROUNDING = 1e-12  # swaps that give the same difference up to rounding are ties, and ties count


def swap_test(
    a: Counts,
    b: Counts,
    groups: Sequence[str],
    figures: Callable[[Counts], Float64[np.ndarray, "swaps figures"]],
    *,
    swaps: int = 10_000,
    seed: int = 0,
) -> Float64[np.ndarray, "figures"]:
    """The two-sided p-value of the difference of each figure between two models.

    Where there are no more than ``swaps`` ways to swap n groups (2ⁿ), each is tried and the p-value is exact. Else so
    many are drawn, and the p-value is (1 + extreme ones) / (1 + all) (Phipson & Smyth, Permutation P-values Should
    Never Be Zero, 2010): the test errs in no more than the stated share of cases.

    Args:
        a: counts of every picture; the first axis of the arrays is images.
        b: counts of the same pictures in the same order.
        groups: the group of each picture.
        figures: dataset-level figures, from counts whose first axis is data sets.
        swaps: how many to draw, where not all are tried.
        seed: of the draw.

    Returns:
        Each in (0, 1]; NaN where the difference is undefined, and with a single group.
    """
    sums_a, sums_b = (sum_by_group(flatten(counts), groups) for counts in (a, b))
    total_a, total_b = sums_a.sum(axis=0, keepdims=True), sums_b.sum(axis=0, keepdims=True)

    def differences(moved: Float64[np.ndarray, "swaps cells"]) -> Float64[np.ndarray, "swaps figures"]:
        of_a, of_b = figures(unflatten(a, total_a + moved)), figures(unflatten(b, total_b - moved))
        return np.asarray(of_b - of_a)

    observed = np.abs(differences(np.zeros_like(total_a))[0])
    extreme, tried = np.zeros(observed.shape), 0
    for moved in _moved(sums_b - sums_a, swaps, seed):
        # A figure is undefined in some swaps only if its class is never true: then all defined differences are 0.
        found = np.nan_to_num(np.abs(differences(moved)))
        extreme += (found >= observed - _ROUNDING).sum(axis=0)
        tried += len(moved)
    p = extreme / tried if tries_all(len(sums_a), swaps) else (extreme + 1) / (tried + 1)
    return np.where(np.isnan(observed) | (len(sums_a) < 2), np.nan, p)


def tries_all(groups: int, swaps: int) -> bool:
    """Whether every way to swap so many groups is tried."""
    return groups < 63 and 2**groups <= swaps


def holm(p: Float64[np.ndarray, "tests"]) -> Float64[np.ndarray, "tests"]:
    """Correct p-values for their number, so that one false alarm or more happens at the stated rate (Holm 1979).

    Args:
        p: p-values in any order; undefined ones (NaN) are no tests and stay undefined.
    """
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def _moved(
    change: Float64[np.ndarray, "groups cells"], swaps: int, seed: int
) -> Iterator[Float64[np.ndarray, "chunk cells"]]:
    """What A's totals gain, and B's lose, when the swapped groups change sides; in bounded chunks."""
    generator = np.random.default_rng(seed)
    groups, cells = change.shape
    every = tries_all(groups, swaps)
    count, step = 2**groups if every else swaps, max(1, _CHUNK // max(groups, cells))
    for start in range(0, count, step):
        numbers = np.arange(start, min(count, start + step))
        if every:
            swapped = (numbers[:, None] >> np.arange(groups)) & 1
        else:
            swapped = generator.integers(2, size=(len(numbers), groups), dtype=np.uint8)
        yield swapped.astype(np.float64) @ change
