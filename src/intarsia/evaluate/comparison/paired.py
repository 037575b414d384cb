"""Is one model better than another, on the same pictures, or is the difference chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.comparison.permutation import holm, swap_test, tries_all
from intarsia.evaluate.comparison.result import ALPHA, ClassDifference, Comparison, Difference, Effect
from intarsia.evaluate.comparison.seeds import Spread, figures, interval_with_runs, side_by_side
from intarsia.evaluate.saved import SavedEvaluation, align, check_distinct, equal
from intarsia.evaluate.statistics import bootstrap_samples, groups_defined, known, percentile_interval, sum_by_group
from intarsia.metrics import mean_iou
from intarsia.metrics.class_counts import VOID_CONVENTIONS, ClassCounts
from intarsia.metrics.counts import flatten, total, unflatten

_ROUNDING = 1e-12  # differences below it are none


def compare(
    a: Sequence[SavedEvaluation], b: Sequence[SavedEvaluation], *, resamples: int = 10_000, seed: int = 0
) -> Comparison:
    """Compare two methods, each of one run or of several that differ in their seed, on the same pictures.

    Args:
        a: the evaluations of A's runs.
        b: the evaluations of B's runs.
        resamples: of the bootstrap, and the most swaps of the test.
        seed: of both draws.

    Raises:
        DataError: evaluations that cannot be compared (:func:`~intarsia.evaluate.saved.align`), or a run that is
            counted twice on one side.
    """
    for side in (a, b):
        check_distinct(side)
    runs, note = align([*a, *b])
    groups, num_groups, count = runs[0].groups, len(set(runs[0].groups)), len(a)
    counts = side_by_side(runs)
    whole = figures(total(counts))
    of_a, of_b = whole[:count], whole[count:]
    value = of_b.mean(axis=0) - of_a.mean(axis=0)

    def change(of: ClassCounts) -> Float64[np.ndarray, "sets figures"]:
        return _b_minus_a(figures(of), count)

    samples = bootstrap_samples(counts, groups, change, resamples=resamples, seed=seed)
    if len(runs) == 2:
        low, high = percentile_interval(samples, num_groups)
        p = swap_test(runs[0].counts, runs[1].counts, groups, figures, swaps=resamples, seed=seed)
    else:
        low, high, p = interval_with_runs(value, samples, num_groups, of_a, of_b)
    defined = groups_defined(counts, groups, change)
    low, high = known(np.clip(low, -1, 1), np.clip(high, -1, 1), defined)
    p, _ = known(p, p, defined)
    labels = runs[0].label_map
    k = labels.num_classes
    corrected = np.concatenate([p[:2], holm(p[2 : 2 + k]), holm(p[2 + k :])])
    each = [
        Difference(*map(float, row))
        for row in zip(of_a.mean(axis=0), of_b.mean(axis=0), low, high, p, corrected, strict=True)
    ]
    return Comparison(
        sources=(tuple(str(run.path) for run in a), tuple(str(run.path) for run in b)),
        mean_iou=each[0],
        mean_dice=each[1],
        classes=tuple(ClassDifference(labels.ids[i], labels.names[i], each[2 + i], each[2 + k + i]) for i in range(k)),
        effect=_effect(counts, groups, count),
        spreads=(Spread(tuple(of_a[:, 0].tolist())), Spread(tuple(of_b[:, 0].tolist()))),
        identical=len(runs) == 2 and equal(*runs),
        images=len(groups),
        groups=num_groups,
        conventions=_conventions(runs, num_groups, resamples, seed, note),
    )


def _b_minus_a(of_runs: Float64[np.ndarray, "sets runs *shape"], count: int) -> Float64[np.ndarray, "sets *shape"]:
    """The mean over B's runs minus the mean over A's, which are the first ``count``."""
    return np.asarray(of_runs[:, count:].mean(axis=1) - of_runs[:, :count].mean(axis=1))


def _effect(counts: ClassCounts, groups: tuple[str, ...], count: int) -> Effect:
    def gains(of: ClassCounts) -> Float64[np.ndarray, "_"]:
        change = _b_minus_a(mean_iou(of), count)
        return np.asarray(change[~np.isnan(change)])

    of_groups = gains(unflatten(counts, sum_by_group(flatten(counts), groups)))
    spread = float(of_groups.std(ddof=1)) if len(of_groups) > 1 else 0.0
    of_images = gains(counts)
    better, worse = (int(np.count_nonzero(sign * of_images > _ROUNDING)) for sign in (1, -1))
    return Effect(
        cohens_d=float(of_groups.mean()) / spread if spread > _ROUNDING else math.nan,
        better=better,
        worse=worse,
        equal=len(of_images) - better - worse,
    )


def _conventions(
    runs: Sequence[SavedEvaluation], groups: int, resamples: int, seed: int, note: str | None
) -> dict[str, str]:
    void, images = runs[0].void, len(runs[0].names)
    units = f"{images} images" if groups == images else f"{groups} groups of images"
    if groups < 2:
        interval = p = "none: a single group says nothing about the spread between groups"
    elif len(runs) == 2:
        interval = f"95% percentile bootstrap over {units}, both models by the same {resamples:,} draws, seed {seed}"
        swaps = f"all {2**groups:,}" if tries_all(groups, resamples) else f"{resamples:,} random"
        p = f"two-sided, A and B swapped by whole groups: {swaps} swaps of {units}"
    else:
        interval = (
            f"95%, Student's t, from the bootstrap over {units} ({resamples:,} draws, seed {seed}) and the spread"
            " between runs"
        )
        p = "two-sided, from the same t"
    grouping = {"groups": note} if note else {}
    return {
        "void": f"{void}: {VOID_CONVENTIONS[void]}",
        "figures": "from the pixels of all images together; of several runs, the mean over the runs",
        "interval": interval,
        "p": p,
        "p_holm": f"p corrected for {len(runs[0].label_map.names)} classes (Holm): at most one comparison in twenty"
        " has any false alarm among its classes",
        "shown": f"p_holm is at most {ALPHA:g} and the interval holds no zero",
        "detectable": "the true difference found four times in five with as many such pictures",
        **grouping,
    }
