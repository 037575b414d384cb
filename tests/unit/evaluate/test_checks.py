"""Checks: each finds what was planted, says it in a sentence, and is silent otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from intarsia.data.examination import ImageRecord
from intarsia.data.formats.folder import Item
from intarsia.evaluate import checks
from intarsia.evaluate.checks import (
    Finding,
    PictureStatistics,
    confusion_checks,
    folder_mismatch,
    imbalance,
    never_predicted,
    one_class,
    picture_statistics,
    predicted_void,
    preprocessing_mismatch,
    resolution_limit,
)
from intarsia.metrics import counts
from intarsia.types import ImageSpec, LabelMap

LABELS = LabelMap(("sky", "road", "car", "pole"))


def confusion(pixels: list[int], recalls: list[float], invented: list[int] | None = None) -> np.ndarray:
    """Counts of classes with these pixels and recalls; what is missed becomes void, what is invented was sky."""
    matrix = np.zeros((5, 5), np.int64)
    for k, (total, share) in enumerate(zip(pixels, recalls, strict=True)):
        matrix[k, k] = round(total * share)
        matrix[k, 4] = total - matrix[k, k]
    for k, extra in enumerate(invented or []):
        matrix[0, k] += extra
    return matrix


def test_a_rare_class_that_is_lost_is_imbalance() -> None:
    found = imbalance(confusion([70_000, 20_000, 9_700, 300], [0.95, 0.9, 0.85, 0.2]), LABELS)
    assert found == Finding(
        "imbalance",
        "Rare classes are found less: pole (0.30% of the pixels): 20% recall, where the others reach 90% on average;"
        " Spearman's correlation of recall and frequency is 1.00",
        "Weigh them more (loss.class_weights=balanced) or add pictures that show them; see docs/how-to/rare-classes.md",
        "warning",
    )


@pytest.mark.parametrize(
    "counted",
    [
        confusion([25_000] * 4, [0.9, 0.9, 0.9, 0.2]),  # not rare
        confusion([70_000, 20_000, 9_700, 300], [0.95, 0.9, 0.85, 0.8]),  # not behind
        confusion([70_000, 20_000, 9_700, 300], [0.95, 0.9, 0.85, 0.2], [0, 0, 0, 240]),  # invented as often as lost
        confusion([100, 0, 0, 0], [0.5, 0, 0, 0]),  # a single class
        np.zeros((5, 5), np.int64),
    ],
)
def test_no_imbalance(counted: np.ndarray) -> None:
    assert imbalance(counted, LABELS) is None


def test_classes_that_are_never_predicted_are_listed() -> None:
    found = never_predicted(confusion([700, 200, 90, 10], [0.9, 0, 0.5, 0]), LABELS)
    assert found is not None
    assert found.finding == "The truth holds road, pole, but no counted pixel is predicted as such"
    assert "docs/how-to/rare-classes.md" in found.remedy
    assert never_predicted(confusion([700, 0, 90, 10], [0.9, 0, 0.5, 0.1]), LABELS) is None


@pytest.mark.parametrize(
    ("share", "told"), [(0.95, "5%"), (0.998, "0.2%"), (0, "100%"), (0.001, "99.9%"), (0.9995, None), (1, None)]
)
def test_predicted_void_is_a_miss_from_a_thousandth_on(share: float, told: str | None) -> None:
    found = predicted_void(confusion([10_000, 0, 0, 0], [share, 0, 0, 0]), LABELS)
    assert (found and found.finding) == (
        told and f"{told} of the pixels are predicted void; each is a miss of its class"
    )


def test_one_class_everywhere_is_told_and_then_not_what_else_is_missing() -> None:
    counted = np.zeros((5, 5), np.int64)
    counted[:3, 1] = 100, 200, 300
    found = one_class(counted, LABELS)
    assert found is not None
    assert found.finding == "Every pixel is predicted as road, where the truth holds 3 classes"
    assert [each.name for each in confusion_checks(counted, LABELS)] == ["one class everywhere"]
    counted[4, 2] = 50  # where the truth is void
    assert one_class(counted, LABELS) is not None
    counted[0, 2] = 1
    assert one_class(counted, LABELS) is None
    assert next(each.name for each in confusion_checks(counted, LABELS)) == "never predicted"
    for quiet in (np.diag([5, 0, 0, 0, 0]), np.zeros((5, 5), np.int64)):
        assert confusion_checks(quiet, LABELS) == []


def test_rank_correlation_equals_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 6, 11), rng.random(11).round(1)
        assert checks._spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert checks._spearman(np.ones(4), np.arange(4)) == 0.0


def test_the_resolution_limit_names_the_classes_it_costs() -> None:
    ceiling = confusion([90_000, 9_000, 900, 100], [1, 0.99, 0.95, 0.3])
    reached = confusion([90_000, 9_000, 900, 100], [1, 0.95, 0.8, 0.1])
    found = resolution_limit("8", ceiling, reached, LABELS)
    assert found is not None
    assert found.finding == (
        "At output stride 8 even a perfect predictor reaches a mean IoU of 0.810: pole 0.30 (reached 0.10)"
    )
    assert found.severity == "warning"
    assert resolution_limit("2", confusion([100] * 4, [1.0] * 4), reached, LABELS) is None
    assert resolution_limit("2", np.zeros((5, 5), np.int64), reached, LABELS) is None
    mild = resolution_limit("4", confusion([1000] * 4, [0.95] * 4), reached, LABELS)
    assert mild is not None
    assert mild.severity == "note"


def statistics(
    mean: float, std: float, dtype: type[np.unsignedinteger] = np.uint8, side: int = 64
) -> PictureStatistics:
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    pictures = [(rng.normal(mean, std, (side // 2, side, 3)).clip(0, 1) * top).round().astype(dtype) for _ in range(3)]
    return counts.total(counts.stack([picture_statistics(picture) for picture in pictures]))


def test_statistics_equal_numpys_over_all_pixels() -> None:
    rng = np.random.default_rng(0)
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535)):
        pictures = [rng.integers(0, top, (7, 9 + extra, 2)).astype(dtype) for extra in range(3)]
        total = counts.total(counts.stack([picture_statistics(picture) for picture in pictures]))
        values = np.concatenate([picture.reshape(-1, 2) for picture in pictures]) / top
        np.testing.assert_allclose(total.mean, values.mean(axis=0))
        np.testing.assert_allclose(total.std, values.std(axis=0))
        assert total.depths.tolist() == [3 * (dtype == np.uint8), 3 * (dtype == np.uint16)]
        assert total.long_sides.tolist() == [9 + 10 + 11]


def test_pictures_unlike_those_of_training_are_told() -> None:
    spec = ImageSpec(3, 8, mean=(0.5,) * 3, std=(0.2,) * 3)
    assert preprocessing_mismatch(statistics(0.52, 0.18), spec) is None
    dark = preprocessing_mismatch(statistics(0.2, 0.05), spec)
    assert dark is not None
    assert dark.finding == (
        "The pictures are not like those the model was trained on: mean brightness 0.20, 0.20, 0.20 instead of 0.50, "
        "0.50, 0.50; spread of brightness 0.05, 0.05, 0.05 instead of 0.20, 0.20, 0.20"
    )
    deep = preprocessing_mismatch(statistics(0.5, 0.2, np.uint16), spec)
    assert deep is not None
    assert "they have 16 bits where the model was trained on 8" in deep.finding
    gray = preprocessing_mismatch(statistics(0.5, 0.2), ImageSpec(1, 8, mean=(0.5,), std=(0.2,)))
    assert gray is not None
    assert "they have 3 channels where the model was trained on 1" in gray.finding


def test_two_folders_that_differ_are_told() -> None:
    first = statistics(0.5, 0.2)
    assert folder_mismatch(first, statistics(0.5, 0.2)) is None
    found = folder_mismatch(first, statistics(0.9, 0.05, np.uint16, side=256))
    assert found is not None
    assert found.finding.startswith(
        "The two sets of pictures differ: one holds pictures of 8 bits, the other of 16; "
        "their longer sides are 64 and 256 pixels on average; mean brightness 0.9"
    )
    gray = counts.total(counts.stack([picture_statistics(np.full((8, 8, 1), 100, np.uint8))]))
    found = folder_mismatch(first, gray)
    assert found is not None
    assert "one has 3 channels, the other 1" in found.finding


def test_constant_pictures_have_no_spread_to_divide_by() -> None:
    constant = picture_statistics(np.full((8, 8, 3), 100, np.uint8))
    assert folder_mismatch(constant, constant) is None


def record(brightness: int, *, channels: int = 1, depth: int = 8, side: int = 100) -> ImageRecord:
    pixels, scale = side * side, 257 if depth == 16 else 1
    return ImageRecord(
        item=Item("a", Path("a.png"), Path("b.png"), "a"),
        split="train",
        height=side,
        width=side,
        bit_depth=depth,
        channel_sums=(pixels * brightness * scale,) * channels,
        channel_square_sums=(pixels * (brightness**2 + 30**2) * scale**2,) * channels,
        gray=channels == 1,
        constant=False,
        class_pixels=(pixels,),
        turned_alike=True,
        digest="",
    )


def test_what_the_doctor_counted_gives_the_same_statistics() -> None:
    found = checks.examined_statistics([record(100), record(140, channels=3)])
    assert found.mean == pytest.approx([120 / 255] * 3)
    assert found.std == pytest.approx([np.sqrt(30**2 + 20**2) / 255] * 3)
    assert checks.examined_statistics([record(100, depth=16)]).mean == pytest.approx([100 / 255])


def test_examined_splits_that_differ_are_named() -> None:
    train = checks.examined_statistics([record(100)])
    assert checks.folder_mismatch(train, checks.examined_statistics([record(105)])) is None
    darker = checks.folder_mismatch(train, checks.examined_statistics([record(40)]))
    assert darker is not None
    assert "mean brightness 0.16 instead of 0.39" in darker.finding
