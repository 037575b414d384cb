"""Time the bootstrap beside scipy's and a plain numpy loop, and count how often its intervals hold the truth.

Run ``python bench/bootstrap.py``. All programs compute the interval of the mean IoU from the same counts of 500 images,
10,000 resamples, and take turns; their intervals are asserted to agree. Then come the other figures that are made from
resamples. Last, simulations count how often nominal 95% intervals hold the true value: ours, plain percentiles and
scipy's BCa of a skewed figure of few groups; and of several training runs, Student's t beside a hierarchical bootstrap.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from intarsia.evaluate.comparison.paired import compare
from intarsia.evaluate.comparison.seeds import interval_with_runs
from intarsia.evaluate.saved import SavedEvaluation
from intarsia.evaluate.statistics import bootstrap_counts_interval
from intarsia.evaluate.statistics import percentile_interval as widened
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ClassCounts, ScoreTable, class_counts, iou, mean_iou
from intarsia.types import LabelMap

IMAGES, RESAMPLES, ROUNDS = 500, 10_000, 3
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Joint:
    """All (K+1)² counts, of which the mean IoU needs 3 (K+1)."""

    confusion: np.ndarray


def main() -> None:
    for classes in (19, 150):
        tables = [table(classes, seed) for seed in (0, 1)]
        print(f"{IMAGES} images × {classes} classes, {RESAMPLES:,} resamples; seconds, median of {ROUNDS} rounds")
        print_times(race(contestants(tables[0])))
        print("\n  the same resamples, all figures")
        print_times(race(wholes(*tables)), peers=False)
        print()
    print_coverage_of_skewed_figures()
    print_coverage_of_runs()


def table(classes: int, seed: int) -> ScoreTable:
    """Pictures in which some classes are rare; the truth does not depend on the seed."""
    fixed, rng = np.random.default_rng(7), np.random.default_rng(seed)
    pixels = fixed.lognormal(8, 1, (IMAGES, classes)) * (fixed.random((IMAGES, classes)) < 0.6)
    hits = rng.binomial(pixels.astype(np.int64), fixed.beta(6, 2, (IMAGES, classes)))
    confusion = np.zeros((IMAGES, classes + 1, classes + 1), np.int64)
    diagonal = np.arange(classes)
    confusion[:, diagonal, diagonal] = hits
    confusion[:, diagonal, (diagonal + 1) % classes] = pixels.astype(np.int64) - hits
    names = tuple(f"image {i:03}" for i in range(IMAGES))
    return ScoreTable(LabelMap(tuple(f"class {k}" for k in range(classes))), names, names, confusion)


def contestants(of: ScoreTable) -> Mapping[str, Callable[[], Interval]]:
    counts = class_counts(of.confusion)
    cells = np.stack([counts.hits, counts.true, counts.predicted], axis=1).astype(np.float64)

    def figure(sums: np.ndarray) -> np.ndarray:
        return mean_iou(ClassCounts(sums[..., 0, :], sums[..., 1, :], sums[..., 2, :]))

    def ours() -> Interval:
        return both(bootstrap_counts_interval(counts, of.groups, mean_iou, resamples=RESAMPLES))

    def joint() -> Interval:
        every = Joint(of.confusion)
        return both(
            bootstrap_counts_interval(every, of.groups, lambda drawn: mean_iou(drawn.confusion), resamples=RESAMPLES)
        )

    def scipy_bootstrap() -> Interval:
        def of_indices(indices: np.ndarray, axis: int) -> np.ndarray:
            return figure(cells[indices].sum(axis=-3))

        found = stats.bootstrap(
            (np.arange(IMAGES),), of_indices, n_resamples=RESAMPLES, batch=50, method="percentile", vectorized=True
        )
        return both(found.confidence_interval)

    def numpy_loop() -> Interval:
        rng = np.random.default_rng(0)
        samples = [figure(cells[rng.integers(IMAGES, size=IMAGES)].sum(axis=0)) for _ in range(RESAMPLES)]
        return both(np.quantile(samples, (0.025, 0.975)))

    return {
        "intarsia, counts of classes": ours,
        "intarsia, joint counts": joint,
        "scipy.stats.bootstrap": scipy_bootstrap,
        "numpy, one resample at a time": numpy_loop,
    }


def wholes(first: ScoreTable, second: ScoreTable) -> Mapping[str, Callable[[], object]]:
    a, b = (saved(of, name) for of, name in ((first, "a"), (second, "b")))
    return {
        "summarize: every overlap figure, per image too": lambda: summarize(first, resamples=RESAMPLES),
        "compare: paired bootstrap and swap test": lambda: compare([a], [b], resamples=RESAMPLES),
    }


def saved(of: ScoreTable, name: str) -> SavedEvaluation:
    truth, counts = of.confusion.sum(axis=-1), class_counts(of.confusion)
    return SavedEvaluation(Path(name), of.label_map, of.names, of.groups, truth, "exclude", counts)


def both(bounds: object) -> Interval:
    low, high = np.asarray(bounds, dtype=np.float64)
    return float(low), float(high)


def race(programs: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    found = {name: run() for name, run in programs.items()}
    bounds = np.array([each for each in found.values() if isinstance(each, tuple)])
    if bounds.size:  # other draws move a bound a little, by less than a twentieth of the interval
        assert (np.ptp(bounds, axis=0) < 0.05 * np.diff(bounds[0])).all(), found
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, run in programs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return times


def print_times(times: Mapping[str, list[float]], peers: bool = True) -> None:
    first = next(iter(times.values()))
    for name, seconds in times.items():
        ratio = statistics.median(seconds) / statistics.median(first)
        print(f"  {name:48} {statistics.median(seconds):7.3f} s  best {min(seconds):7.3f} s", end="")
        print(f"  {ratio:6.1f}×" if peers else "")


def print_coverage_of_skewed_figures(repeats: int = 1000) -> None:
    """IoU of a class of which few groups hold most pixels, some of them badly segmented."""
    rng = np.random.default_rng(1)

    def draw(groups: int) -> np.ndarray:
        size = rng.lognormal(6, 0.7, groups)
        hits, spurious = size * rng.beta(4, 2, groups), rng.lognormal(4, 1, groups)
        return np.stack([hits, size, hits + spurious], axis=-1)

    def figure(sums: np.ndarray) -> np.ndarray:
        hits, true, predicted = (sums[..., i, None].repeat(2, axis=-1) for i in range(3))  # void comes last
        return iou(ClassCounts(hits, true, predicted))[..., 0]

    true = float(figure(draw(1_000_000).sum(axis=0)))
    print(f"how many of 100 nominal 95% intervals hold the IoU of a skewed class ({repeats} simulations)")
    for groups in (10, 20, 30, 50):
        covered = dict.fromkeys(("intarsia", "plain percentile", "scipy BCa"), 0)
        for _ in range(repeats):
            cells = draw(groups)

            def of_indices(indices: np.ndarray, axis: int, cells: np.ndarray = cells) -> np.ndarray:
                return figure(cells[indices].sum(axis=-2))

            found = stats.bootstrap(
                (np.arange(groups),), of_indices, n_resamples=1000, method="BCa", vectorized=True, random_state=rng
            )
            samples = found.bootstrap_distribution
            intervals = (both(widened(samples, groups)), both(np.quantile(samples, (0.025, 0.975))))
            for name, (low, high) in zip(covered, (*intervals, both(found.confidence_interval)), strict=True):
                covered[name] += low <= true <= high
        print(f"  {groups:3} groups: " + ", ".join(f"{name} {100 * n / repeats:.1f}" for name, n in covered.items()))


def print_coverage_of_runs(repeats: int = 1000) -> None:
    """The difference of two methods that do not differ, several runs each; the spread between runs is given relative
    to the standard error that the pictures alone give the difference.
    """
    rng, groups = np.random.default_rng(2), 50
    print(f"\nthe same for the difference between two methods of several runs, {groups} groups")
    for runs, spread in ((2, 1.0), (3, 0.0), (3, 1.0), (3, 3.0), (5, 3.0)):
        covered = dict.fromkeys(("intarsia (Student's t)", "hierarchical bootstrap", "pictures alone"), 0)
        for _ in range(repeats):
            pictures = rng.standard_exponential(groups) - 1
            a, b = spread / np.sqrt(groups) * rng.standard_normal((2, runs, 1))
            value = pictures.mean() + b.mean(axis=0) - a.mean(axis=0)
            moved = pictures[rng.integers(groups, size=(1000, groups))].mean(axis=1)[:, None]
            fixed = moved - pictures.mean() + value
            drawn = moved + (b[rng.integers(runs, size=(1000, runs))] - a[rng.integers(runs, size=(1000, runs))]).mean(
                1
            )
            low, high, _ = interval_with_runs(value, fixed, groups, a, b)
            bounds = (np.concatenate([low, high]), *(np.quantile(of, (0.025, 0.975)) for of in (drawn, fixed)))
            for name, (low_end, high_end) in zip(covered, bounds, strict=True):
                covered[name] += low_end <= 0 <= high_end
        shares = ", ".join(f"{name} {100 * n / repeats:.1f}" for name, n in covered.items())
        print(f"  {runs} runs a side, spread {spread:g}: {shares}")


if __name__ == "__main__":
    main()
