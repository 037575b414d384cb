"""The search for the CRF's parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from intarsia.errors import ShapeError
from intarsia.predict import crf_tuning
from intarsia.predict.crf import CrfParameters
from intarsia.predict.crf_tuning import METRICS, KnownPicture, Metric, Trial, tune
from intarsia.types import LabelMap

LABELS = LabelMap(names=("left", "right"), ids=(3, 7), ignore=255)


def known(seed: int, offset: int) -> KnownPicture:
    """A border in the colors, and a network that sees it ``offset`` pixels away, with specks."""
    rng = np.random.default_rng(seed)
    border = 20 + seed
    image = np.zeros((32, 48, 3), np.uint8)
    image[:, border:] = (180, 160, 40)
    image += rng.integers(0, 20, image.shape, dtype=np.uint8)
    truth = np.full((32, 48), 3, np.uint8)
    truth[:, border:], truth[0] = 7, 255
    right = np.full((32, 48), 0.25)
    right[:, border + offset :] = 0.75
    right[rng.random(right.shape) < 0.05] = 0.6
    return KnownPicture(image, np.stack([1 - right, right]).astype(np.float16), truth, f"{seed}.png")


@pytest.mark.parametrize("metric", get_args(Metric))
def test_it_finds_what_helps(metric: Metric) -> None:
    pictures = [known(seed, 3) for seed in range(3)]
    calls: list[tuple[int, int]] = []
    weak = CrfParameters(bilateral_compat=1, gaussian_compat=1, bilateral_sxy=10, iterations=2)
    found = tune(
        pictures, LABELS, metric=metric, start=weak, rounds=1, progress=lambda done, total: calls.append((done, total))
    )
    assert found.helps
    assert max(found.alone.score, found.start.score) < found.best.score <= 1
    assert found.best.parameters is not None
    assert found.best.parameters.iterations == 2
    assert found.trials[:2] == (found.alone, found.start)
    assert found.best.score == max(trial.score for trial in found.trials)
    assert len({trial.parameters for trial in found.trials}) == len(found.trials) == len(calls)
    assert [done for done, _ in calls] == list(range(1, len(calls) + 1))
    assert all(done <= total for done, total in calls)
    assert metric in METRICS


def test_a_perfect_network_is_left_alone() -> None:
    picture = known(0, 0)
    right = (picture.truth == 7).astype(np.float16)
    found = tune([replace(picture, probabilities=np.stack([1 - right, right]))], LABELS, rounds=1)
    assert found.alone.score == 1
    assert not found.helps


def test_it_follows_a_rise_and_stops_when_nothing_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    """On scores made up: the best weight is 80 and the best deviation in color 3.25, from 10 and 13."""

    def score(self: object, parameters: CrfParameters | None) -> float:
        if parameters is None:
            return 0.1
        away = np.log2(parameters.bilateral_compat / 80) ** 2 + np.log2(parameters.bilateral_srgb / 3.25) ** 2
        return float(np.exp(-0.1 * away)) - 0.001 * abs(parameters.gaussian_sxy - 3)

    monkeypatch.setattr(crf_tuning._Search, "_score", score)
    found = tune([known(0, 0)], LABELS, rounds=5)
    assert found.best.parameters == CrfParameters(bilateral_compat=80, bilateral_srgb=3.25)
    assert found.best == Trial(found.best.parameters, 1.0)
    tried = [trial.parameters for trial in found.trials[1:] if trial.parameters is not None]
    assert [each.bilateral_compat for each in tried[:5]] == [10, 20, 40, 80, 160]
    assert len(tried) < 20  # the second round finds nothing, and is the last


def test_a_picture_that_cannot_be_refined_is_named() -> None:
    picture = known(0, 0)
    four = np.zeros((32, 48, 4), np.uint8)
    with pytest.raises(ShapeError, match=r"0\.png: has the shape \[32, 48, 4\]\."):
        tune([replace(picture, image=four)], LABELS)
