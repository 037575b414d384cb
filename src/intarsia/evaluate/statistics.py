"""How far a figure would move if other pictures of the same kind had been scored.

The percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). What is drawn with
replacement are whole *groups* (patients, videos), because pictures of one group resemble each other: drawing single
pictures would pretend to more independent evidence than there is and give intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics import ScoreTable

_CHUNK = 2**22  # numbers held at once of any one kind: 32 MiB


def bootstrap_interval(
    table: ScoreTable,
    statistic: Callable[[Float64[np.ndarray, "resamples k1 k1"]], Float64[np.ndarray, "resamples *shape"]],
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """The interval of a dataset-level figure.

    Args:
        table: the counts of each picture, and its group.
        statistic: the figure, from the counts of a whole data set; called with many resampled data sets at once.
        resamples: how many data sets of as many groups are drawn.
        confidence: the share of resamples the interval holds, equal shares being cut off on both sides.
        seed: of the draw; the same seed draws the same groups for every statistic.

    Returns:
        Low and high. Resamples in which the figure is undefined (NaN) are left out; with none left, or with a single
        group, which says nothing about the spread between groups, both are NaN.
    """
    size = table.confusion.shape[-1]
    sums = _sum_by_group(table.confusion.reshape(len(table.names), -1), table.groups)
    draws = _resampled_sums(sums, resamples, seed)
    return _percentiles([statistic(drawn.reshape(-1, size, size)) for drawn in draws], len(sums), confidence)


def bootstrap_mean_interval(
    values: Float64[np.ndarray, "images figures"],
    groups: Sequence[str],
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Float64[np.ndarray, "figures"], Float64[np.ndarray, "figures"]]:
    """The interval of means over images, each image weighing the same and undefined (NaN) values being left out.

    Args:
        values: each figure of each image.
        groups: the group of each image.
        resamples: as in :func:`bootstrap_interval`.
        confidence: as in :func:`bootstrap_interval`.
        seed: as in :func:`bootstrap_interval`.

    Returns:
        Low and high, as in :func:`bootstrap_interval`.
    """
    defined = ~np.isnan(values)
    sums = _sum_by_group(np.concatenate([np.where(defined, values, 0.0), defined], axis=1), groups)
    means = []
    for drawn in _resampled_sums(sums, resamples, seed):
        totals, counts = np.split(drawn, 2, axis=1)
        means.append(np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0))
    return _percentiles(means, len(sums), confidence)


def _sum_by_group(
    rows: Int64[np.ndarray, "images cells"] | Float64[np.ndarray, "images cells"], groups: Sequence[str]
) -> Float64[np.ndarray, "groups cells"]:
    # Sorted groups make the draw independent of the order of the images.
    names, group_of_image = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]))  # float64 holds counts exactly up to 2⁵³, nine million gigapixels
    np.add.at(sums, group_of_image, rows)
    return sums


def _resampled_sums(
    sums: Float64[np.ndarray, "groups cells"], resamples: int, seed: int
) -> Iterator[Float64[np.ndarray, "chunk cells"]]:
    """The sums over ``groups`` groups drawn with replacement, ``resamples`` times in all, in bounded chunks."""
    generator = np.random.default_rng(seed)
    groups, cells = sums.shape
    step = max(1, _CHUNK // max(groups, cells))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(groups, size=(count, groups)) + groups * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups)
        yield times.astype(np.float64) @ sums


def _percentiles(
    chunks: Sequence[Float64[np.ndarray, "_ *shape"]], groups: int, confidence: float
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    samples = np.concatenate(chunks)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    bounds = np.full((2, *samples.shape[1:]), np.nan)
    for place in np.ndindex(*samples.shape[1:]):
        column = samples[(slice(None), *place)]
        defined = column[~np.isnan(column)]
        if groups > 1 and defined.size:
            bounds[(slice(None), *place)] = np.quantile(defined, tails)
    low, high = bounds
    return np.asarray(low), np.asarray(high)
