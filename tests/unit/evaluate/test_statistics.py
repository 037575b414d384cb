"""The bootstrap: coverage by simulation, groups, and its edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

from intarsia.evaluate import statistics
from intarsia.evaluate.statistics import (
    bootstrap_counts_interval,
    bootstrap_mean_interval,
    bootstrap_samples,
    interval_in_words,
    percentile_interval,
)
from intarsia.metrics import ClassCounts, ScoreTable, class_counts, iou, mean_dice, mean_iou, pixel_accuracy
from intarsia.types import LabelMap

LABELS = LabelMap(("a", "b"), ignore=255)


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint counts as any other counts, to hold the reduced ones against."""

    confusion: np.ndarray


def bootstrap_interval(
    table: ScoreTable, figure: Callable[[np.ndarray], np.ndarray], **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    return bootstrap_counts_interval(Joint(table.confusion), table.groups, lambda of: figure(of.confusion), **options)


def table_of(confusion: np.ndarray, groups: list[str] | None = None) -> ScoreTable:
    names = tuple(f"image {i:04}" for i in range(len(confusion)))
    return ScoreTable(LABELS, names, names if groups is None else tuple(groups), confusion.astype(np.int64))


def accuracy_table(right: np.ndarray, pixels: int, groups: list[str] | None = None) -> ScoreTable:
    confusion = np.zeros((len(right), 3, 3))
    confusion[:, 0, 0], confusion[:, 0, 1] = right, pixels - right
    return table_of(confusion, groups)


def widened(groups: int, confidence: float = 0.95) -> float:
    """The percentage that an interval for so many groups cuts off on either side."""
    t = stats.t.ppf((1 + confidence) / 2, groups - 1)
    return float(100 * stats.norm.sf(t * np.sqrt(groups / (groups - 1))))


def noisy_table(images: int, seed: int = 0) -> ScoreTable:
    confusion = np.random.default_rng(seed).integers(0, 50, (images, 3, 3))
    return table_of(confusion)


@pytest.mark.parametrize("images_per_group", [1, 4])
def test_about_95_of_100_intervals_hold_the_true_value(images_per_group: int) -> None:
    rng = np.random.default_rng(0)
    covered, by_image = [], []
    for _ in range(150):
        quality = np.repeat(rng.beta(8, 2, 40), images_per_group)  # the true mean is 0.8
        groups = [f"patient {i // images_per_group}" for i in range(len(quality))]
        right = rng.binomial(100, quality)
        low, high = bootstrap_interval(accuracy_table(right, 100, groups), pixel_accuracy, resamples=300)
        covered.append(low <= 0.8 <= high)
        low, high = bootstrap_interval(accuracy_table(right, 100), pixel_accuracy, resamples=300)
        by_image.append(low <= 0.8 <= high)
    assert 0.88 <= np.mean(covered) <= 0.99
    if images_per_group > 1:  # why groups are drawn whole
        assert np.mean(by_image) < 0.75


def test_equals_a_literal_resampling() -> None:
    table, resamples = noisy_table(7), 50
    draws = np.random.default_rng(3).integers(7, size=(resamples, 7))
    literal = np.stack([iou(table.confusion[drawn].sum(axis=0)) for drawn in draws])
    low, high = bootstrap_interval(table, iou, resamples=resamples, confidence=0.9, seed=3)
    tail = widened(7, 0.9)
    np.testing.assert_allclose(low, np.percentile(literal, tail, axis=0))
    np.testing.assert_allclose(high, np.percentile(literal, 100 - tail, axis=0))


def test_the_counts_of_classes_give_the_interval_of_the_joint_counts() -> None:
    table = noisy_table(9)
    for figure in (iou, mean_iou, mean_dice, pixel_accuracy):
        joint = bootstrap_interval(table, figure, resamples=100, seed=4)
        marginal = bootstrap_counts_interval(class_counts(table.confusion), table.groups, figure, resamples=100, seed=4)
        np.testing.assert_allclose(marginal, joint)


def test_models_side_by_side_are_drawn_together() -> None:
    first, second = (class_counts(noisy_table(8, seed).confusion) for seed in (0, 1))
    groups = list("aabbccdd")
    hits, true, predicted = (
        np.stack([getattr(of, name) for of in (first, second)], axis=1) for name in ("hits", "true", "predicted")
    )
    both = ClassCounts(hits, true, predicted)
    paired = bootstrap_samples(both, groups, mean_iou, resamples=50)
    alone = [bootstrap_samples(of, groups, mean_iou, resamples=50) for of in (first, second)]
    np.testing.assert_allclose(paired, np.stack(alone, axis=1))


def test_percentiles_equal_those_of_numpy_whatever_is_undefined() -> None:
    samples = np.random.default_rng(0).random((101, 2, 3))
    samples[samples < 0.2] = np.nan
    samples[:, 0, 0] = np.nan
    samples[1:, 0, 1] = np.nan
    low, high = percentile_interval(samples, 30)
    tail = widened(30)
    assert np.isnan([low[0, 0], high[0, 0]]).all()
    assert low[0, 1] == high[0, 1]
    np.testing.assert_allclose(low[1], np.nanpercentile(samples[:, 1], tail, axis=0))
    np.testing.assert_allclose(high[1], np.nanpercentile(samples[:, 1], 100 - tail, axis=0))


def test_few_groups_widen_the_interval() -> None:
    samples = np.random.default_rng(0).random(100_000)
    tails = [percentile_interval(samples, groups)[0] for groups in (5, 20, 100, 100_000)]
    np.testing.assert_allclose(tails, [widened(groups) / 100 for groups in (5, 20, 100, 100_000)], atol=0.002)
    assert tails == sorted(tails)


@pytest.mark.parametrize("groups", [20, 50])
def test_the_intervals_of_a_skewed_figure_cover_nearly_95_of_100(groups: int) -> None:
    rng, repeats = np.random.default_rng(1), 1000

    def draw(count: int) -> np.ndarray:
        size = rng.lognormal(6, 0.7, count)  # a few groups hold most of the class
        hits = size * rng.beta(4, 2, count)
        confusion = np.zeros((count, 3, 3))
        confusion[:, 0, 0], confusion[:, 0, 1] = hits, size - hits
        confusion[:, 1, 0] = rng.lognormal(4, 1, count)
        return confusion.astype(np.int64)

    true = iou(draw(1_000_000).sum(axis=0))[0]
    covered = np.zeros(2)
    for _ in range(repeats):
        of = class_counts(draw(groups))
        samples = bootstrap_samples(of, [str(i) for i in range(groups)], lambda of: iou(of)[:, 0], resamples=1000)
        for i, (low, high) in enumerate((percentile_interval(samples, groups), np.percentile(samples, (2.5, 97.5)))):
            covered[i] += low <= true <= high
    ours, plain = covered / repeats
    assert 0.92 <= ours <= 0.97
    assert ours >= plain


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = noisy_table(11)
    whole = bootstrap_interval(table, mean_iou, resamples=100)
    monkeypatch.setattr(statistics, "_CHUNK", 60)
    np.testing.assert_array_equal(bootstrap_interval(table, mean_iou, resamples=100), whole)


def test_the_order_of_the_images_does_not_matter() -> None:
    table = noisy_table(9)
    order = np.random.default_rng(1).permutation(9)
    shuffled = ScoreTable(
        LABELS, tuple(table.names[i] for i in order), tuple(table.groups[i] for i in order), table.confusion[order]
    )
    np.testing.assert_array_equal(
        bootstrap_interval(shuffled, iou, resamples=100), bootstrap_interval(table, iou, resamples=100)
    )


def test_images_of_one_group_move_together() -> None:
    table = accuracy_table(np.array([100, 0, 100, 0]), 100, ["g", "g", "h", "h"])
    low, high = bootstrap_interval(table, pixel_accuracy, resamples=50)
    assert low == high == 0.5


def test_one_group_has_no_interval() -> None:
    low, high = bootstrap_interval(accuracy_table(np.array([90, 10]), 100, ["g", "g"]), pixel_accuracy, resamples=50)
    assert np.isnan(low)
    assert np.isnan(high)


def test_undefined_resamples_are_left_out() -> None:
    confusion = np.zeros((3, 3, 3))
    confusion[:, 0, 0] = 10
    confusion[:2, 1, 1] = 5  # class 1 is in two images, and always right
    low, high = bootstrap_interval(table_of(confusion), iou, resamples=200)
    np.testing.assert_array_equal(low, [1.0, 1.0])
    np.testing.assert_array_equal(high, [1.0, 1.0])
    low, high = bootstrap_interval(table_of(np.zeros((3, 3, 3))), iou, resamples=200)
    assert np.isnan([low, high]).all()


def test_what_a_single_group_holds_has_no_interval() -> None:
    confusion = np.zeros((4, 3, 3), np.int64)
    confusion[:, 0, 0] = 10
    confusion[:2, 1, :2] = [1, 5]  # class 1 is in the first two images, which are of one patient
    table = table_of(confusion, ["p", "p", "q", "r"])
    counts = class_counts(confusion)
    for low, high in (
        bootstrap_interval(table, iou, resamples=50),
        bootstrap_counts_interval(counts, table.groups, iou, resamples=50),
        bootstrap_mean_interval(iou(counts), table.groups, resamples=50),
    ):
        assert low[0] <= 1
        assert np.isnan([low[1], high[1]]).all()


def test_counts_far_beyond_32_bits_stay_exact() -> None:
    confusion = np.zeros((2, 3, 3), np.int64)
    confusion[:, 0, 0] = 2**50 + 1
    seen = []

    def total(counts: np.ndarray) -> np.ndarray:
        seen.append(counts[:, 0, 0])
        return counts[:, 0, 0]

    bootstrap_interval(table_of(confusion), total, resamples=20)
    assert set(seen[0].astype(int).tolist()) == {2 * (2**50 + 1)}


def test_the_mean_over_images_equals_a_literal_resampling() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((8, 3))
    values[rng.random((8, 3)) < 0.3] = np.nan
    values[:, 2] = np.nan
    groups = ["g", "g", "h", "h", "i", "i", "j", "j"]
    draws = np.random.default_rng(0).integers(4, size=(40, 4))
    literal = [np.nanmean(np.concatenate([values[2 * g : 2 * g + 2, :2] for g in drawn]), axis=0) for drawn in draws]
    low, high = bootstrap_mean_interval(values, groups, resamples=40)
    np.testing.assert_allclose(low[:2], np.nanpercentile(literal, widened(4), axis=0))
    np.testing.assert_allclose(high[:2], np.nanpercentile(literal, 100 - widened(4), axis=0))
    assert np.isnan([low[2], high[2]]).all()


def test_intervals_are_told_in_words() -> None:
    assert interval_in_words(("a", "a"), 20, 0) == "none: a single group says nothing about the spread between groups"
    assert interval_in_words(("a",), 20, 0) == "none: a single image says nothing about the spread between images"
    assert "over 2 groups of images" in interval_in_words(("a", "b", "b"), 20, 0)
    assert "over 2 images, 20 resamples, seed 0" in interval_in_words(("a", "b"), 20, 0)
