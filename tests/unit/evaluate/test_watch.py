"""What is noticed beside the counting."""

from __future__ import annotations

import numpy as np

from intarsia.evaluate.watch import Watch
from intarsia.metrics import ScoreTable, ScoreTableBuilder
from intarsia.types import ImageSpec, LabelMap

LABELS = LabelMap(("background", "wire"), ignore=9)


def scored(watch: Watch, *, brightness: int = 128, seam: int = 0) -> ScoreTable:
    rng = np.random.default_rng(0)
    builder = ScoreTableBuilder(LABELS)
    for number in range(6):
        truth = np.zeros((200, 260), np.uint8)
        truth[rng.integers(10, 190)] = 1  # one pixel wide
        predicted = truth.copy()
        if seam:
            wrong = rng.random(truth.shape) < 0.02
            for seams in (np.s_[:, seam::seam], np.s_[seam::seam]):
                wrong[seams] |= rng.random(wrong[seams].shape) < 0.3
            predicted = np.where(wrong, 1 - truth, truth).astype(np.uint8)
        image = rng.normal(brightness, 30, (*truth.shape, 1)).clip(0, 255).astype(np.uint8)
        builder.add(str(number), truth, predicted)
        watch.add(image, truth, predicted)
    return builder.table()


def spec(long_side: int | None = None) -> ImageSpec:
    return ImageSpec(channels=1, bit_depth=8, mean=(0.5,), std=(0.12,), long_side=long_side)


def test_a_model_at_home_gives_nothing_to_notice() -> None:
    watch = Watch(spec(), LABELS)
    assert watch.findings(scored(watch)) == []


def test_pictures_unlike_those_of_training_are_noticed() -> None:
    watch = Watch(spec(), LABELS)
    (finding,) = watch.findings(scored(watch, brightness=40))
    assert "The pictures are not like those the model was trained on" in finding.finding


def test_what_shrinking_costs_is_noticed() -> None:
    watch = Watch(spec(long_side=65), LABELS)
    (finding,) = watch.findings(scored(watch))
    assert "At output stride 4 even a perfect predictor" in finding.finding
    assert "wire 0." in finding.finding


def test_seams_are_noticed() -> None:
    watch = Watch(spec(), LABELS)
    (finding,) = watch.findings(scored(watch, seam=32))
    assert "32" in finding.finding


def test_without_pictures_nothing_is_noticed() -> None:
    seen, unseen = Watch(spec(), LABELS), Watch(spec(), LABELS)
    assert unseen.findings(scored(seen)) == []
