"""Seams of tiles: found where they are, with a grid or without one, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from corruptions import SCENE, jittered, scene
from intarsia.evaluate.seams import ErrorProfile, error_profile, seam_excess, seam_period
from intarsia.types import LabelMap


def profile(tile: int | None, strength: float = 0.25, pictures: int = 8, height: int = 192) -> ErrorProfile:
    """Errors at borders as always, and more of them beside the seams of tiles."""
    total = None
    for seed in range(pictures):
        rng = np.random.default_rng(seed)
        truth = scene(rng)[0][:height]
        predicted = jittered(truth, SCENE, rng)
        if tile:
            for seam in range(tile, truth.shape[1], tile):
                beside = predicted[:, seam - 1 : seam + 1]
                beside[rng.random(beside.shape) < strength] = 4
            for seam in range(tile, truth.shape[0], tile):
                beside = predicted[seam - 1 : seam + 1]
                beside[rng.random(beside.shape) < strength] = 4
        each = error_profile(truth, predicted, SCENE)
        total = each if total is None else total + each
    assert total is not None
    return total


def test_profiles_count_wrong_and_counted_pixels_and_leave_void_out() -> None:
    labels = LabelMap(("a", "b"), ignore=9)
    truth = np.array([[0, 1, 9], [1, 1, 0]], np.uint8)
    predicted = np.array([[0, 0, 0], [0, 1, 0]], np.uint8)
    counted = error_profile(truth, predicted, labels)
    assert counted.columns.tolist() == [[1, 1, 0], [2, 2, 1]]
    assert counted.rows.tolist() == [[1, 1], [2, 3]]
    twice = counted + error_profile(truth[:, :2], predicted[:, :2], labels)
    assert twice.columns.tolist() == [[2, 2, 0], [4, 4, 1]]


@pytest.mark.parametrize("tile", [32, 48, 64, 96])
def test_the_seams_of_a_given_grid_are_found_and_others_not(tile: int) -> None:
    marked = profile(tile)
    found = seam_excess(marked, tile)
    assert found is not None
    assert f"tiles of {tile} pixels" in found.finding
    assert "p = 0.0" in found.finding
    assert found.severity == "warning"
    assert seam_excess(marked, tile - 5) is None
    assert seam_excess(profile(None), tile) is None


@pytest.mark.parametrize("tile", [32, 48, 50])
def test_a_grid_nobody_named_is_found_when_clear(tile: int) -> None:
    found = seam_period(profile(tile))
    assert found is not None
    assert f"Errors gather every {tile} pixels" in found.finding
    assert f"`--tile {tile}`" in found.remedy


def test_no_grid_is_invented() -> None:
    for pictures, height in ((1, 192), (3, 150), (8, 192)):
        assert seam_period(profile(None, pictures=pictures, height=height)) is None


def test_scattered_errors_have_no_period() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = np.zeros((200, 300), np.uint8)
        predicted = (rng.random(truth.shape) < 0.05).astype(np.uint8)
        assert seam_period(error_profile(truth, predicted, SCENE)) is None


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (200, 20)])
def test_small_and_perfect_pictures_have_no_seams(size: tuple[int, int]) -> None:
    mask = np.zeros(size, np.uint8)
    perfect = error_profile(mask, mask, SCENE)
    wrong = error_profile(mask, mask + np.uint8(1), SCENE)
    for each in (perfect, wrong):
        assert seam_excess(each, 16) is None
        assert seam_period(each) is None
