"""How far a figure would move if other pictures of the same kind had been scored.

The percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), its tails widened for
few groups (the expanded percentile interval of Hesterberg, What Teachers Should Know About the Bootstrap, The American
Statistician 69(4), 2015). What is drawn with replacement are whole *groups* (patients, videos), because pictures of one
group resemble each other: drawing single pictures would pretend to more independent evidence than there is and give
intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import ndtr, stdtrit

from intarsia.metrics.counts import Counts, flatten, unflatten

_CHUNK = 2**22  # numbers held at once of any one kind: 32 MiB


def bootstrap_counts_interval(
    counts: Counts,
    groups: Sequence[str],
    statistic: Callable[[Counts], Float64[np.ndarray, "resamples *shape"]],
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """The interval of a dataset-level figure of any additive counts (:mod:`intarsia.metrics.counts`).

    Args:
        counts: of every picture; the first axis of its arrays is images.
        groups: the group of each picture.
        statistic: the figure, from counts whose first axis is resampled data sets.
        resamples: how many data sets of as many groups are drawn.
        confidence: how sure the interval is to hold the figure of all pictures there could be.
        seed: of the draw; the same seed draws the same groups for every statistic.

    Returns:
        Low and high. Resamples in which the figure is undefined (NaN) are left out; both are NaN where none is left,
        or where fewer than two groups define the figure, which says nothing about the spread between groups.
    """
    samples = bootstrap_samples(counts, groups, statistic, resamples=resamples, seed=seed)
    low, high = percentile_interval(samples, len(set(groups)), confidence)
    return known(low, high, groups_defined(counts, groups, statistic))


def bootstrap_samples(
    counts: Counts,
    groups: Sequence[str],
    statistic: Callable[[Counts], Float64[np.ndarray, "resamples *shape"]],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Float64[np.ndarray, "resamples *shape"]:
    """The figure of each resampled data set; arguments as in :func:`bootstrap_counts_interval`.

    Counts of several models that lie on a second axis, [images, models, …], are resampled by the same draws, so that
    ``statistic`` may compare them: the paired bootstrap.
    """
    sums = sum_by_group(flatten(counts), groups)
    return np.concatenate([statistic(unflatten(counts, drawn)) for drawn in _resampled_sums(sums, resamples, seed)])


def groups_defined(
    counts: Counts, groups: Sequence[str], statistic: Callable[[Counts], Float64[np.ndarray, "sets *shape"]]
) -> Int64[np.ndarray, "*shape"]:
    """In how many groups each figure is defined, each group by itself; arguments as in :func:`bootstrap_samples`."""
    of_groups = statistic(unflatten(counts, sum_by_group(flatten(counts), groups)))
    return np.asarray(np.count_nonzero(~np.isnan(of_groups), axis=0))


def known(
    low: Float64[np.ndarray, "*shape"], high: Float64[np.ndarray, "*shape"], defined: Int64[np.ndarray, "*shape"]
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """The bounds of figures that are ``defined`` in two groups or more, and NaN for the others.

    A class that occurs in a single group has the same figure in every resample that holds it. The width of that
    interval, nothing, would be false certainty.
    """
    return np.where(defined > 1, low, np.nan), np.where(defined > 1, high, np.nan)


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
        resamples: as in :func:`bootstrap_counts_interval`.
        confidence: as in :func:`bootstrap_counts_interval`.
        seed: as in :func:`bootstrap_counts_interval`.

    Returns:
        Low and high, as in :func:`bootstrap_counts_interval`.
    """
    defined = ~np.isnan(values)
    sums = sum_by_group(np.concatenate([np.where(defined, values, 0.0), defined], axis=1), groups)
    means = []
    for drawn in _resampled_sums(sums, resamples, seed):
        totals, counts = np.split(drawn, 2, axis=1)
        means.append(np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0))
    low, high = percentile_interval(np.concatenate(means), len(sums), confidence)
    return known(low, high, np.count_nonzero(sums[:, values.shape[1] :], axis=0))


def percentile_interval(
    samples: Float64[np.ndarray, "resamples *shape"], groups: int, confidence: float = 0.95
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """The percentiles of resampled figures between which ``confidence`` of them lie, a little wider for few groups.

    Plain percentiles of n groups are too narrow by the factor √((n−1)/n), and by that of the normal to Student's
    t distribution. Percentiles further out make up for both: with 20 groups, 1.6% are cut off on either side instead
    of 2.5%. (BCa intervals, which correct for skew instead, cover less than plain ones here: `bench/bootstrap.py`.)

    Args:
        samples: the figure of each resampled data set; undefined ones (NaN) are left out.
        groups: how many groups were drawn from, and as often.
        confidence: how sure the interval is to hold the figure of all pictures there could be.

    Returns:
        Low and high; NaN where no sample is defined or there is a single group.
    """
    shape = samples.shape[1:]
    bounds = np.full((2, int(np.prod(shape))), np.nan)
    if groups > 1:
        tail = ndtr(-np.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, (1 + confidence) / 2))
        columns = np.ascontiguousarray(samples.reshape(len(samples), -1).T)
        columns.sort(axis=1)  # NaN comes last
        last = np.maximum(0, (~np.isnan(columns)).sum(axis=1) - 1)
        for bound, share in zip(bounds, (tail, 1 - tail), strict=True):
            place = share * last
            below = np.floor(place).astype(np.intp)
            left, right = (
                np.take_along_axis(columns, index[:, None], axis=1)[:, 0]
                for index in (below, np.minimum(below + 1, last))
            )
            bound[:] = left + (place - below) * (right - left)
    low, high = bounds.reshape(2, *shape)
    return np.asarray(low), np.asarray(high)


def interval_in_words(groups: Sequence[str], resamples: int, seed: int) -> str:
    """How the intervals over pictures of these groups were made, or why there are none."""
    count = len(set(groups))
    unit, units = ("image", "images") if count == len(groups) else ("group", "groups of images")
    if count == 1:
        return f"none: a single {unit} says nothing about the spread between {unit}s"
    return f"95% percentile bootstrap over {count} {units}, {resamples:,} resamples, seed {seed}"


def sum_by_group(
    rows: Int64[np.ndarray, "images cells"] | Float64[np.ndarray, "images cells"], groups: Sequence[str]
) -> Float64[np.ndarray, "groups cells"]:
    """Add up the rows of each group, groups in sorted order: the result does not depend on the order of the images."""
    names, group_of_image = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]))  # float64 holds counts exactly up to 2⁵³, nine million gigapixels
    np.add.at(sums, group_of_image, rows)
    return sums


def _resampled_sums(
    sums: Float64[np.ndarray, "groups cells"], resamples: int, seed: int
) -> Iterator[Float64[np.ndarray, "chunk cells"]]:
    """The sums over groups drawn with replacement, in bounded chunks."""
    groups, cells = sums.shape
    for times in resampled_times(groups, resamples, seed, numbers=max(groups, cells)):
        yield times @ sums


def resampled_times(
    groups: int, resamples: int, seed: int, numbers: int | None = None
) -> Iterator[Float64[np.ndarray, "chunk groups"]]:
    """How often each group is drawn, as many groups being drawn with replacement as there are, in bounded chunks.

    Args:
        groups: how many there are.
        resamples: how many draws there are in all.
        seed: of the draws; the draws do not depend on the chunks.
        numbers: how many numbers the caller makes of one draw; default is one a group.
    """
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // (numbers or groups))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(groups, size=(count, groups)) + groups * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups).astype(np.float64)
