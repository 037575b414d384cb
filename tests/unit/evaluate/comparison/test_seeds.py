"""Several runs of one method: their spread, and intervals that know it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from intarsia.errors import DataError
from intarsia.evaluate.comparison.seeds import Spread, figures, interval_with_runs, summarize_runs
from intarsia.evaluate.comparison.verdict import runs_verdict
from intarsia.evaluate.saved import SavedEvaluation
from intarsia.metrics import class_counts, dice, iou, mean_dice, mean_iou
from intarsia.metrics.counts import total
from intarsia.types import LabelMap

LABELS = LabelMap(("sky", "car", "never"), ignore=9)


def evaluation(seed: int, images: int = 30, groups: int = 30) -> SavedEvaluation:
    hits = np.random.default_rng(seed).integers(60, 101, (images, 2))
    confusion = np.zeros((images, 4, 4), np.int64)
    confusion[:, 0, 0], confusion[:, 0, 1] = hits[:, 0], 100 - hits[:, 0]
    confusion[:, 1, 1], confusion[:, 1, 0] = hits[:, 1], 100 - hits[:, 1]
    names = tuple(f"{i:03}" for i in range(images))
    counts = class_counts(confusion)
    groups_of = tuple(f"video {i % groups}" for i in range(images))
    return SavedEvaluation(Path(f"seed{seed}"), LABELS, names, groups_of, confusion.sum(-1), "exclude", counts)


def test_mean_and_spread_by_hand() -> None:
    spread = Spread((0.5, 0.7, 0.6))
    assert spread.mean == pytest.approx(0.6)
    assert spread.deviation == pytest.approx(0.1)
    assert json.loads(json.dumps(spread.to_dict())) == {
        "runs": 3,
        "mean": pytest.approx(0.6),
        "standard_deviation": pytest.approx(0.1),
        "min": 0.5,
        "max": 0.7,
        "values": [0.5, 0.7, 0.6],
    }
    single = Spread((0.5,))
    assert math.isnan(single.deviation)
    assert single.to_dict()["standard_deviation"] is None
    assert Spread((math.nan, math.nan)).to_dict()["mean"] is None


def test_runs_that_do_not_spread_leave_the_interval_of_the_pictures() -> None:
    samples = np.random.default_rng(0).normal(0.6, 0.02, (20_000, 1))
    low, high, _ = interval_with_runs(np.array([0.6]), samples, 50, np.full((3, 1), 0.6))
    half = stats.t.ppf(0.975, 49) * 0.02 * np.sqrt(50 / 49)
    np.testing.assert_allclose([low[0], high[0]], [0.6 - half, 0.6 + half], atol=1e-3)


def test_pictures_that_do_not_spread_leave_the_t_test_of_the_runs() -> None:
    a, b = np.array([0.50, 0.52, 0.57]), np.array([0.60, 0.63])
    value = np.array([b.mean() - a.mean()])
    expected = stats.ttest_ind(b, a)
    bounds = expected.confidence_interval(0.95)
    low, high, p = interval_with_runs(value, np.full((10, 1), value), 40, a[:, None], b[:, None])
    np.testing.assert_allclose([low[0], high[0], p[0]], [bounds.low, bounds.high, expected.pvalue])


def test_one_run_is_taken_to_spread_as_the_other_side() -> None:
    b, value = np.array([[0.60], [0.64]]), np.array([0.12])
    low, high, _ = interval_with_runs(value, np.full((10, 1), 0.12), 40, np.array([[0.5]]), b)
    half = stats.t.ppf(0.975, 1) * np.sqrt(b.var(ddof=1) * (1 + 1 / 2))
    np.testing.assert_allclose([low[0], high[0]], [0.12 - half, 0.12 + half])


def test_what_never_moves_and_what_is_undefined() -> None:
    value = np.array([0.0, 0.1, np.nan])
    samples = np.tile(value, (10, 1))
    low, high, p = interval_with_runs(value, samples, 5, np.tile(value, (2, 1)))
    np.testing.assert_array_equal(low, value)
    np.testing.assert_array_equal(high, value)
    np.testing.assert_array_equal(p, [1, 0, np.nan])
    assert np.isnan(interval_with_runs(value, samples, 1, np.tile(value, (2, 1)))).all()


def test_the_figures_are_those_of_the_metrics() -> None:
    counts = total(evaluation(0).counts)
    expected = [mean_iou(counts), mean_dice(counts), *iou(counts), *dice(counts)]
    np.testing.assert_array_equal(figures(counts), expected)


@pytest.mark.parametrize(("spread", "runs"), [(0.0, 3), (1.0, 2), (1.0, 3), (3.0, 3), (3.0, 5)])
def test_95_of_100_intervals_hold_the_truth_however_much_runs_spread(spread: float, runs: int) -> None:
    rng, groups, covered = np.random.default_rng(0), 30, []
    for _ in range(400):
        pictures = rng.standard_normal(groups)
        a, b = spread / np.sqrt(groups) * rng.standard_normal((2, runs, 1))
        value = pictures.mean() + b.mean(axis=0) - a.mean(axis=0)
        draws = pictures[rng.integers(groups, size=(300, groups))].mean(axis=1)
        samples = (draws - pictures.mean() + value)[:, None]
        low, high, _ = interval_with_runs(value, samples, groups, a, b)
        covered.append(low[0] <= 0 <= high[0])
    assert 0.92 <= np.mean(covered) <= 0.99


def test_a_summary_of_runs() -> None:
    runs = [evaluation(seed) for seed in range(3)]
    summary = summarize_runs(runs, resamples=500)
    of = summary.mean_iou
    assert of.spread.values == pytest.approx([float(mean_iou(total(run.counts))) for run in runs])
    assert of.low < of.low_pictures < of.spread.mean < of.high_pictures < of.high
    content = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert [entry["name"] for entry in content["classes"]] == ["sky", "car", "never"]
    assert content["classes"][2]["iou"]["mean"] is None
    assert (content["images"], content["groups"], len(content["evaluations"])) == (30, 30, 3)
    assert runs_verdict(summary).startswith(f"mean IoU of 3 runs: {100 * of.spread.mean:.1f}, standard deviation")
    assert "with other pictures and runs" in runs_verdict(summary)


def test_runs_on_one_group_have_no_interval() -> None:
    summary = summarize_runs([evaluation(seed, groups=1) for seed in range(2)], resamples=50)
    assert runs_verdict(summary).endswith("; no interval, because all pictures are one group")
    assert summary.to_dict()["overall"]["mean_iou_dataset"]["low"] is None


def test_a_run_that_is_there_twice_is_refused() -> None:
    with pytest.raises(DataError, match="they are not two runs"):
        summarize_runs([evaluation(0), evaluation(0)])


def test_the_interval_of_an_iou_stays_within_its_range() -> None:
    def run(seed: int, hits: int) -> SavedEvaluation:
        confusion = np.zeros((4, 4, 4), np.int64)
        confusion[:, 0, 0], confusion[:, 1, 1], confusion[:, 1, 0] = 100, hits, 100 - hits
        names = tuple("abcd")
        return SavedEvaluation(
            Path(f"seed{seed}"), LABELS, names, names, confusion.sum(-1), "exclude", class_counts(confusion)
        )

    summary = summarize_runs([run(0, 60), run(1, 99)], resamples=100)
    _, _, car, _ = summary.classes[1]
    assert (car.low, car.high) == (0, 1)
