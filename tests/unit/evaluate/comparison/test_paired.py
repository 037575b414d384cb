"""Comparisons: known differences, false alarms, power, and the words they come in."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from intarsia.evaluate.comparison.paired import compare
from intarsia.evaluate.comparison.result import Comparison, Difference
from intarsia.evaluate.comparison.verdict import notes, points, probability, signed, verdict
from intarsia.evaluate.saved import SavedEvaluation
from intarsia.metrics import class_counts, dice, iou, mean_iou
from intarsia.metrics.counts import total
from intarsia.types import LabelMap

LABELS = LabelMap(("sky", "road", "{car}"), ignore=9)
IMAGES = 40


def evaluation(quality: Sequence[float], seed: int, *, images: int = IMAGES, groups: int = IMAGES) -> SavedEvaluation:
    """Each class has 1000 pixels in each picture; the hits of hard pictures are fewer for every model."""
    hard = np.random.default_rng(99).normal(0, 0.05, (images, 1))
    rng = np.random.default_rng(seed)
    share = np.clip(np.asarray(quality) + hard + rng.normal(0, 0.02, (images, len(quality))), 0, 1)
    hits = rng.binomial(1000, share)
    confusion = np.zeros((images, 4, 4), np.int64)
    for k in range(len(quality)):
        confusion[:, k, k], confusion[:, k, (k + 1) % len(quality)] = hits[:, k], 1000 - hits[:, k]
    names = tuple(f"{i:03}" for i in range(images))
    of_groups = tuple(f"video {i % groups}" for i in range(images))
    counts = class_counts(confusion)
    return SavedEvaluation(Path(f"run{seed}"), LABELS, names, of_groups, confusion.sum(-1), "exclude", counts)


def found(a: Sequence[float], b: Sequence[float], **options: int) -> Comparison:
    return compare([evaluation(a, 1, **options)], [evaluation(b, 2, **options)], resamples=1000)


def test_figures_are_those_of_each_model() -> None:
    a, b = evaluation([0.8, 0.7, 0.6], 1), evaluation([0.8, 0.75, 0.6], 2)
    comparison = compare([a], [b], resamples=200)
    of_a, of_b = total(a.counts), total(b.counts)
    assert (comparison.mean_iou.a, comparison.mean_iou.b) == (float(mean_iou(of_a)), float(mean_iou(of_b)))
    for k, entry in enumerate(comparison.classes):
        assert (entry.id, entry.name) == (LABELS.ids[k], LABELS.names[k])
        assert (entry.iou.a, entry.iou.b) == (iou(of_a)[k], iou(of_b)[k])
        assert entry.dice.value == dice(of_b)[k] - dice(of_a)[k]
        assert entry.iou.low < entry.iou.value < entry.iou.high
        assert entry.iou.p_holm >= entry.iou.p


def test_a_real_difference_is_found_with_its_size() -> None:
    comparison = found([0.8, 0.8, 0.8], [0.83, 0.83, 0.83])
    assert comparison.mean_iou.shown
    assert verdict(comparison).startswith("B is better by ")
    assert verdict(found([0.83] * 3, [0.8] * 3)).startswith("B is worse by ")
    assert comparison.effect.cohens_d > 1
    assert comparison.effect.better > 30
    assert comparison.effect.better + comparison.effect.worse + comparison.effect.equal == IMAGES


def test_swapping_the_models_turns_the_signs() -> None:
    a, b = evaluation([0.8, 0.7, 0.6], 1), evaluation([0.8, 0.75, 0.6], 2)
    there, back = compare([a], [b], resamples=300), compare([b], [a], resamples=300)
    assert there.mean_iou.value == -back.mean_iou.value
    assert (there.mean_iou.low, there.mean_iou.high) == pytest.approx((-back.mean_iou.high, -back.mean_iou.low))
    assert there.mean_iou.p == back.mean_iou.p
    assert there.effect.cohens_d == pytest.approx(-back.effect.cohens_d)


def test_pairing_sees_what_two_separate_intervals_cannot() -> None:
    a, b = evaluation([0.8] * 3, 1), evaluation([0.815] * 3, 2)
    comparison = compare([a], [b], resamples=1000)
    spread = np.std(mean_iou(a.counts))
    assert comparison.mean_iou.high - comparison.mean_iou.low < 2 * 1.96 * spread / math.sqrt(IMAGES)
    assert comparison.mean_iou.shown


def test_a_class_that_goes_against_the_whole_is_named() -> None:
    line = verdict(found([0.8, 0.8, 0.8], [0.88, 0.88, 0.7]))
    assert line.startswith("B is better by ")
    assert line.endswith("; worse on {car}")


def test_no_difference_is_not_called_equality() -> None:
    line = verdict(found([0.8] * 3, [0.8] * 3))
    assert line.startswith("no difference shown: B − A is ")
    assert "a true difference under" in line


def test_classes_are_named_where_the_whole_shows_nothing() -> None:
    line = verdict(found([0.8, 0.8, 0.8], [0.85, 0.8, 0.75]))
    assert line.startswith("no difference shown")
    assert line.endswith("; better on sky, road; worse on {car}")  # what is missed of car is called sky, and so on


def test_the_same_counts_are_called_equal() -> None:
    run = evaluation([0.8] * 3, 1)
    comparison = compare([run], [run], resamples=100)
    assert verdict(comparison) == "A and B are equal: every count of every picture is the same"
    assert comparison.mean_iou.p == 1
    assert math.isnan(comparison.effect.cohens_d)
    assert (comparison.effect.better, comparison.effect.equal) == (0, IMAGES)


def test_a_single_group_says_nothing_of_chance() -> None:
    comparison = found([0.8] * 3, [0.9] * 3, groups=1)
    assert verdict(comparison).startswith("nothing can be said of chance: all pictures are one group; B − A is +")
    assert comparison.to_dict()["overall"]["mean_iou_dataset"]["p"] is None
    assert comparison.conventions["interval"].startswith("none: ")


def test_too_few_groups_are_said_to_be_too_few() -> None:
    comparison = found([0.7] * 3, [0.9] * 3, groups=4)
    assert not comparison.mean_iou.shown
    assert notes(comparison)[0] == ("4 groups cannot show any difference: the smallest p-value they allow is 0.125")
    assert verdict(comparison).startswith("undecided: B − A is")
    assert "all 16 swaps of 4 groups of images" in comparison.conventions["p"]


def test_a_class_that_is_never_there_stays_undefined() -> None:
    runs = [evaluation([0.8, 0.8], seed) for seed in (1, 2)]
    comparison = compare(runs[:1], runs[1:], resamples=200)
    content = comparison.to_dict()["classes"][2]["iou"]
    assert content == dict.fromkeys(("a", "b", "difference", "low", "high", "p", "p_holm", "detectable")) | {
        "shown": False
    }
    assert comparison.classes[0].iou.p_holm <= 2 * max(entry.iou.p for entry in comparison.classes[:2])


def test_runs_are_averaged_and_their_spread_widens_the_interval() -> None:
    a = [evaluation([0.8 + 0.04 * i] * 3, i) for i in range(3)]
    b = [evaluation([0.84 + 0.04 * i] * 3, 10 + i) for i in range(3)]
    comparison = compare(a, b, resamples=300)
    assert comparison.mean_iou.a == pytest.approx(np.mean([mean_iou(total(run.counts)) for run in a]))
    single = compare(a[:1], b[:1], resamples=300)
    assert single.mean_iou.shown
    assert not comparison.mean_iou.shown
    assert "standard deviation between runs" in notes(comparison)[-1]
    assert notes(comparison)[-1].endswith("; that is as large as the difference")
    assert comparison.conventions["interval"].startswith("95%, Student's t")
    assert "is one run and is taken to spread as much" in notes(compare(a[:1], b, resamples=50))[-1]
    assert notes(single)[-1].startswith("each side is one run")


def test_the_json_form_is_whole_and_names_its_conventions() -> None:
    content = json.loads(json.dumps(found([0.8] * 3, [0.82] * 3).to_dict(), allow_nan=False))
    assert content["a"]["evaluations"] == ["run1"]
    assert content["images"] == content["groups"] == IMAGES
    assert content["conventions"]["void"].startswith("exclude: ")
    assert content["conventions"]["p"].endswith("1,000 random swaps of 40 images")
    assert "Holm" in content["conventions"]["p_holm"]
    assert content["effect"]["share_of_pictures_better"] == content["effect"]["pictures_better"] / IMAGES


def test_detectable_differences_are_found_four_times_in_five() -> None:
    detectable = found([0.8] * 3, [0.8] * 3).mean_iou.detectable
    rng, shown = np.random.default_rng(0), []
    for seed in range(60):
        # IoU of a class of equal parts: hits / (2 − hits); its slope turns a change of hits into one of IoU.
        gain = detectable * (2 - 0.8) ** 2 / 2
        a, b = (evaluation([0.8 + plus] * 3, int(rng.integers(2**31)) + seed) for plus in (0, gain))
        shown.append(compare([a], [b], resamples=400).mean_iou.shown)
    assert 0.6 <= np.mean(shown) <= 0.95


@pytest.mark.slow
def test_equal_models_raise_false_alarms_in_5_of_100_cases_at_most() -> None:
    rng, alarms, any_class, p = np.random.default_rng(1), [], [], []
    for _ in range(400):
        a, b = (evaluation([0.8, 0.7, 0.75], int(rng.integers(2**31)), groups=20) for _ in range(2))
        comparison = compare([a], [b], resamples=500)
        alarms.append(comparison.mean_iou.shown)
        any_class.append(any(entry.iou.shown for entry in comparison.classes))
        p.append(comparison.mean_iou.p)
    assert np.mean(alarms) <= 0.075
    assert np.mean(any_class) <= 0.075
    for level in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.07)


@pytest.mark.parametrize(
    ("low", "high", "p", "opening"),
    [
        (0.009, 0.026, 0.001, "B is better by 1.8 mIoU, 95% CI 0.9 to 2.6"),
        (-0.045, 0.011, 0.6, "no difference shown: B − A is 1.8 mIoU, 95% CI −4.5 to 1.1, p = 0.60; a true difference"),
        (0.001, 0.035, 0.06, "undecided: B − A is 1.8 mIoU, 95% CI 0.1 to 3.5, p = 0.060; the interval and the test"),
        (0.0169, 0.0191, 0.0001, "B is better by 1.80 mIoU, 95% CI 1.69 to 1.91"),
        (-0.001, 0.035, 0.0002, "undecided: B − A is 1.8 mIoU, 95% CI −0.1 to 3.5, p < 0.001; the interval"),
    ],
)
def test_the_verdicts_word_by_word(low: float, high: float, p: float, opening: str) -> None:
    comparison = replace(found([0.8] * 3, [0.8] * 3), mean_iou=Difference(0.5, 0.518, low, high, p, p))
    assert verdict(comparison).startswith(opening)


def test_many_classes_are_counted_instead_of_named() -> None:
    comparison = found([0.8] * 3, [0.9] * 3)
    worse = replace(comparison.classes[0], iou=Difference(0.5, 0.4, -0.2, -0.1, 0.001, 0.001))
    assert verdict(replace(comparison, classes=(worse,) * 6)).endswith("; worse on 6 of 6 classes")


def test_numbers_as_people_write_them() -> None:
    assert [points(value) for value in (0.123, -0.012, -0.0001, math.nan)] == ["12.3", "−1.2", "0.0", "–"]
    assert [signed(value) for value in (0.01, 0.0001, -0.01, math.nan)] == ["+1.0", "0.0", "−1.0", "–"]
    assert [probability(p) for p in (0.0004, 0.0123, 0.5, math.nan)] == ["< 0.001", "0.012", "0.50", "–"]


def in_one_picture(share: float, seed: int, images: int = 20) -> SavedEvaluation:
    """A class that is in the first picture alone."""
    confusion = np.zeros((images, 4, 4), np.int64)
    confusion[:, 0, 0] = np.random.default_rng(seed).integers(80, 100, images)
    confusion[:, 0, 1] = 100 - confusion[:, 0, 0]
    confusion[0, 2, 2], confusion[0, 2, 0] = round(1000 * share), round(1000 * (1 - share))
    names = tuple(f"{i:03}" for i in range(images))
    return SavedEvaluation(
        Path(f"r{seed}"), LABELS, names, names, confusion.sum(-1), "exclude", class_counts(confusion)
    )


@pytest.mark.parametrize("runs", [1, 3])
def test_what_one_picture_holds_is_never_shown(runs: int) -> None:
    a = [in_one_picture(0.6 + 0.001 * i, i) for i in range(runs)]
    b = [in_one_picture(0.7 + 0.001 * i, 10 + i) for i in range(runs)]
    difference = compare(a, b, resamples=200).classes[2].iou
    assert difference.b - difference.a > 0.05
    assert np.isnan([difference.low, difference.high, difference.p]).all()
    assert not difference.shown
