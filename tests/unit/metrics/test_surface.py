"""Figures of surfaces, against DeepMind's surface-distance, MONAI, and hand-worked answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import surface_distance as theirs
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics import compute_surface_dice

from intarsia.errors import DataError
from intarsia.metrics.counts import flatten, from_plain, select, stack, to_plain, total, unflatten
from intarsia.metrics.surface import (
    Direction,
    SurfaceCounts,
    average_surface_distance,
    hausdorff_distance,
    surface_counts,
    surface_dice,
)
from intarsia.metrics.surface_search import surface_distances

# surface-distance 0.1 was written for older scipy and numpy, and MONAI 1.6 for an older one of itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Please import .* from the `scipy.ndimage` namespace:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in .*divide:RuntimeWarning"),
]

TOLERANCES = (0.0, 0.7, 1.0, 2.5)
DIRECTIONS: tuple[Direction, ...] = ("from-truth", "from-prediction", "symmetric", "mean")
PERCENTILES = (5.0, 50.0, 95.0, 100.0)
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(autouse=True)
def _infinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)  # which surface-distance still uses


def assert_equal_to_surface_distance(truth: np.ndarray, predicted: np.ndarray, spacing: tuple[float, ...]) -> None:
    distances = surface_distances(truth, predicted, spacing=spacing)
    counts = surface_counts([distances], TOLERANCES)
    reference = theirs.compute_surface_distances(truth, predicted, spacing)
    expected = [theirs.compute_surface_dice_at_tolerance(reference, tolerance) for tolerance in TOLERANCES]
    np.testing.assert_allclose(surface_dice(counts)[0], expected, rtol=1e-9)
    averages = [average_surface_distance(counts, side)[0] for side in ("from-truth", "from-prediction")]
    np.testing.assert_allclose(averages, theirs.compute_average_surface_distance(reference), rtol=1e-9)
    if truth.any() or predicted.any():
        ours = [hausdorff_distance([distances], percentile)[0] for percentile in PERCENTILES]
        expected = [theirs.compute_robust_hausdorff(reference, percentile) for percentile in PERCENTILES]
        np.testing.assert_allclose(ours, expected, rtol=1e-9)


def degenerate() -> Iterator[Any]:
    for axes in (2, 3):
        shape = (6, 7, 5)[:axes]
        nothing, everything, voxel, frame, inner = (np.zeros(shape, bool) for _ in range(5))
        everything[:] = True
        voxel[(2,) * axes] = True
        frame[0] = frame[..., -1] = True
        inner[(slice(1, -1),) * axes] = True
        masks = {"nothing": nothing, "everything": everything, "voxel": voxel, "frame": frame, "inner": inner}
        for true_name, truth in masks.items():
            for name, predicted in masks.items():
                yield pytest.param(truth, predicted, id=f"{axes}-D {true_name} {name}")


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.5, 0.7)])
@pytest.mark.parametrize(("truth", "predicted"), list(degenerate()))
def test_degenerate_masks_are_scored_as_by_surface_distance(
    truth: np.ndarray, predicted: np.ndarray, spacing: tuple[float, ...]
) -> None:
    assert_equal_to_surface_distance(truth, predicted, spacing[: truth.ndim])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (17, 23), (40, 40), (1, 1, 5), (7, 6, 9), (12, 15, 11)])
@pytest.mark.parametrize("share", [0.03, 0.4, 0.9])
def test_random_masks_are_scored_as_by_surface_distance(shape: tuple[int, ...], share: float) -> None:
    rng = np.random.default_rng(0)
    for spacing in ((1.0,) * len(shape), tuple(rng.uniform(0.3, 4, len(shape)).tolist())):
        truth = rng.random(shape) < share
        for flipped in (0.02, 0.3):
            assert_equal_to_surface_distance(truth, truth ^ (rng.random(shape) < flipped), spacing)
        assert_equal_to_surface_distance(truth, rng.random(shape) < share, spacing)


@pytest.mark.parametrize("shape", [(40, 50), (14, 16, 18)])
def test_nsd_equals_monai_s_with_subvoxels(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    spacing = (0.8, 1.3, 2.0)[: len(shape)]
    truth = rng.random(shape) < 0.7
    predicted = truth ^ (rng.random(shape) < 0.1)
    counts = surface_counts([surface_distances(truth, predicted, spacing=spacing)], (1.5,))
    masks = (torch.from_numpy(mask)[None, None].float() for mask in (predicted, truth))
    expected = compute_surface_dice(*masks, [1.5], include_background=True, spacing=spacing, use_subvoxels=True)
    np.testing.assert_allclose(surface_dice(counts), expected, rtol=1e-6)


def square(left: int) -> np.ndarray:
    mask = np.zeros((8, 12), bool)
    mask[2:6, left : left + 4] = True
    return mask


def test_a_square_moved_by_two_pixels_of_half_a_millimeter() -> None:
    distances = [surface_distances(square(2), square(4), spacing=(0.5, 0.5))]
    counts = surface_counts(distances, (0.4, 0.5, 1.0))
    # Around a square: 12 straight elements of 0.5 mm and 4 cut corners of √2/4 mm.
    straight, corner = 0.5, np.sqrt(2) / 4
    size = 12 * straight + 4 * corner
    # Where the squares overlap, above and below, the outlines coincide; the far side and the middle of the near one are
    # 1 mm away, and what is between lies at 0.5 mm.
    at_0, at_half, at_1 = 4 * straight + 2 * corner, 4 * straight, 4 * straight + 2 * corner
    assert counts.true_matched[0] == counts.predicted_matched[0] == pytest.approx(size)
    np.testing.assert_allclose(surface_dice(counts)[0], [at_0 / size, (at_0 + at_half) / size, 1])
    np.testing.assert_allclose(average_surface_distance(counts), (0.5 * at_half + at_1) / size)
    assert [hausdorff_distance(distances, share)[0] for share in (10.0, 50.0, 95.0, 100.0)] == [0, 0.5, 1, 1]


@given(st.data())
def test_swapping_truth_and_prediction_swaps_directions(data: st.DataObject) -> None:
    truth, predicted = draw_pair(data)
    one, other = (
        surface_counts([surface_distances(*pair)], TOLERANCES) for pair in ((truth, predicted), (predicted, truth))
    )
    np.testing.assert_array_equal(surface_dice(one), surface_dice(other))
    np.testing.assert_array_equal(
        average_surface_distance(one, "from-truth"), average_surface_distance(other, "from-prediction")
    )
    for direction in ("symmetric", "mean"):
        np.testing.assert_array_equal(
            average_surface_distance(one, direction), average_surface_distance(other, direction)
        )


@given(st.data())
def test_a_perfect_prediction_is_perfect(data: st.DataObject) -> None:
    truth, _ = draw_pair(data)
    distances = [surface_distances(truth, truth)]
    counts = surface_counts(distances, (0.0,))
    assert surface_dice(counts)[0, 0] == 1 or not truth.any()
    assert average_surface_distance(counts)[0] == 0 or not truth.any()
    assert hausdorff_distance(distances)[0] == 0 or not truth.any()


@given(st.data(), st.floats(0.01, 100))
def test_a_finer_unit_changes_the_figures_with_it(data: st.DataObject, unit: float) -> None:
    truth, predicted = draw_pair(data)
    plain, scaled = (surface_distances(truth, predicted, spacing=(step, 2 * step)) for step in (1.0, unit))
    np.testing.assert_allclose(unit * hausdorff_distance([plain], 90.0), hausdorff_distance([scaled], 90.0), rtol=1e-9)
    one, other = surface_counts([plain], (1.5,)), surface_counts([scaled], (1.5 * unit,))
    np.testing.assert_allclose(surface_dice(one), surface_dice(other), rtol=1e-9)
    np.testing.assert_allclose(unit * average_surface_distance(one), average_surface_distance(other), rtol=1e-9)


def draw_pair(data: st.DataObject) -> Pair:
    height, width = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    cells = st.lists(st.booleans(), min_size=height * width, max_size=height * width)
    truth, predicted = (np.array(data.draw(cells)).reshape(height, width) for _ in range(2))
    return truth, predicted


def test_nothing_at_all_is_undefined() -> None:
    nothing = np.zeros((3, 3), bool)
    distances = [surface_distances(nothing, nothing)]
    counts = surface_counts(distances, TOLERANCES)
    assert np.isnan(surface_dice(counts)).all()
    assert np.isnan(hausdorff_distance(distances)).all()  # surface-distance says infinite here
    for direction in DIRECTIONS:
        assert np.isnan(average_surface_distance(counts, direction)).all()


@pytest.fixture
def three_pictures() -> SurfaceCounts:
    """Two that overlap, at different spacings, and one in which nothing is predicted; of one class."""
    pairs = ((square(2), square(3), 1.0), (square(2), square(5), 0.5), (square(2), square(2) & False, 1.0))
    return stack(
        [
            surface_counts([surface_distances(true, predicted, spacing=(step, step))], (1.0,))
            for true, predicted, step in pairs
        ]
    )


def test_pictures_pool_by_the_size_of_their_surfaces(three_pictures: SurfaceCounts) -> None:
    each = surface_dice(three_pictures)[:, 0, 0]
    weights = (three_pictures.true_matched + three_pictures.predicted_matched + three_pictures.true_unmatched)[:, 0]
    pooled = surface_dice(total(three_pictures))[0, 0]
    assert pooled == pytest.approx((each * weights).sum() / weights.sum())
    assert each[2] == 0


@pytest.mark.parametrize("direction", ["from-truth", "symmetric", "mean"])
def test_a_missing_surface_is_infinitely_far_unless_excluded(
    three_pictures: SurfaceCounts, direction: Direction
) -> None:
    pooled = total(three_pictures)
    assert average_surface_distance(pooled, direction).tolist() == [np.inf]
    rest = total(stack([select(three_pictures, index) for index in (0, 1)]))
    np.testing.assert_array_equal(
        average_surface_distance(pooled, direction, missing="exclude"), average_surface_distance(rest, direction)
    )
    assert np.isnan(average_surface_distance(select(three_pictures, 2), direction, missing="exclude")).all()


def test_resampled_sums_give_the_same_figures(three_pictures: SurfaceCounts) -> None:
    times = np.array([[1, 1, 1], [2, 1, 0], [0, 3, 0.0]])
    resampled = unflatten(three_pictures, times @ flatten(three_pictures))
    assert surface_dice(resampled).shape == (3, 1, 1)
    np.testing.assert_allclose(surface_dice(resampled)[0], surface_dice(total(three_pictures)))
    assert np.isinf(average_surface_distance(resampled)[:, 0]).tolist() == [True, False, False]


def test_counts_come_back_from_their_plain_form(three_pictures: SurfaceCounts) -> None:
    back = from_plain(SurfaceCounts, to_plain(three_pictures))
    assert back.tolerances == three_pictures.tolerances
    np.testing.assert_array_equal(flatten(back), flatten(three_pictures))


def test_means_of_both_directions_and_of_both_surfaces_differ() -> None:
    truth, predicted = square(2), square(2)
    predicted[3, 10] = True
    counts = surface_counts([surface_distances(truth, predicted)], ())
    from_truth, from_prediction = (
        average_surface_distance(counts, side)[0] for side in ("from-truth", "from-prediction")
    )
    sizes = counts.true_matched[0], counts.predicted_matched[0]
    assert from_truth == 0 < from_prediction
    assert average_surface_distance(counts, "mean")[0] == (from_truth + from_prediction) / 2
    assert average_surface_distance(counts, "symmetric")[0] == pytest.approx(from_prediction * sizes[1] / sum(sizes))


@given(st.data(), st.sampled_from([0.5, 1.0, 2.0]))
def test_a_bounded_search_gives_the_same_figures_or_none(data: st.DataObject, farthest: float) -> None:
    pair = draw_pair(data)
    full, bounded = ([surface_distances(*pair, farthest=limit)] for limit in (np.inf, farthest))
    whole, part = (surface_counts(distances, (farthest / 2, farthest)) for distances in (full, bounded))
    np.testing.assert_array_equal(surface_dice(whole), surface_dice(part))
    for direction in DIRECTIONS:
        one, other = (average_surface_distance(counts, direction)[0] for counts in (whole, part))
        assert np.isnan(other) or one == other
    for percentile in PERCENTILES:
        one, other = (hausdorff_distance(distances, percentile)[0] for distances in (full, bounded))
        assert np.isnan(other) or one == other
        assert not (np.isnan(other) and one <= farthest)


@pytest.mark.parametrize("percentile", [0.0, -1.0, 100.1, float("nan")])
def test_what_is_no_percentile_is_refused(percentile: float) -> None:
    with pytest.raises(DataError, match=r"is no percentile\. Give a number above 0 and at most 100"):
        hausdorff_distance([], percentile)


@pytest.mark.parametrize(("spacing", "tolerance"), [(0.1, 0.3), (0.7, 2.1), (1.0, 3.0)])
def test_a_distance_equal_to_the_tolerance_is_within_it(spacing: float, tolerance: float) -> None:
    truth = np.zeros((20, 30), bool)
    truth[5:15, 5:15] = True
    distances = surface_distances(truth, np.roll(truth, 3, axis=1), spacing=(spacing, spacing))
    assert surface_dice(surface_counts([distances], (tolerance,)))[0, 0] == 1
