"""Distances between surfaces, against a literal search over all pairs of elements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from intarsia.errors import DataError, ShapeError
from intarsia.metrics.surface_elements import surface_elements
from intarsia.metrics.surface_search import SurfaceDistances, class_surface_distances, surface_distances
from intarsia.types import LabelMap

LABELS = LabelMap(("sky", "road", "car"), ids=(7, 0, 300), ignore=255)


def literal(truth: np.ndarray, predicted: np.ndarray, spacing: tuple[float, ...]) -> SurfaceDistances:
    found = [surface_elements(mask.astype(np.int16) - 1, 1, spacing).of_class(0) for mask in (truth, predicted)]
    (true, true_sizes), (wrong, predicted_sizes) = found
    steps = np.array((1.0, *spacing)[-3:])
    pairs = cdist(true * steps, wrong * steps)
    infinite = np.inf
    return SurfaceDistances(
        pairs.min(axis=1, initial=infinite), true_sizes, pairs.min(axis=0, initial=infinite), predicted_sizes
    )


def assert_alike(ours: SurfaceDistances, theirs: SurfaceDistances) -> None:
    np.testing.assert_allclose(ours.true_distances, theirs.true_distances, rtol=1e-12)
    np.testing.assert_allclose(ours.predicted_distances, theirs.predicted_distances, rtol=1e-12)
    np.testing.assert_array_equal(ours.true_sizes, theirs.true_sizes)
    np.testing.assert_array_equal(ours.predicted_sizes, theirs.predicted_sizes)


@pytest.mark.parametrize("shape", [(1, 1), (9, 7), (30, 41), (1, 1, 1), (5, 9, 4), (14, 12, 17)])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_distances_equal_those_of_all_pairs(shape: tuple[int, ...], share: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        spacing = tuple(rng.uniform(0.2, 5, len(shape)).tolist())
        truth, predicted = rng.random((2, *shape)) < share
        assert_alike(surface_distances(truth, predicted, spacing=spacing), literal(truth, predicted, spacing))


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((400, 300), (1.0, 1.0)),
        ((400, 30), (0.001, 7.0)),
        ((60, 60, 60), (1.0, 1.0, 1.0)),
        ((10, 300, 60), (1000.0, 0.1, 0.3)),
        ((300, 10, 60), (0.1, 1000.0, 0.3)),
    ],
)
def test_surfaces_far_apart_are_found(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    rng = np.random.default_rng(1)
    truth, predicted = np.zeros((2, *shape), bool)
    truth.ravel()[rng.integers(truth.size // 10, size=5)] = True
    predicted.ravel()[-rng.integers(1, truth.size, size=40)] = True
    assert_alike(surface_distances(truth, predicted, spacing=spacing), literal(truth, predicted, spacing))


@given(st.data())
def test_what_is_predicted_under_void_changes_nothing(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3, 4), (2, 3, 3)]))
    masks = st.lists(st.sampled_from([7, 0, 300, 255]), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    truth, first, second = (np.array(data.draw(masks), np.uint16).reshape(shape) for _ in range(3))
    second = np.where(truth == 255, second, first).astype(np.uint16)
    both = (class_surface_distances(truth, predicted, LABELS) for predicted in (first, second))
    for one, other in zip(*both, strict=True):
        assert_alike(one, other)


def test_a_distance_equal_to_the_farthest_is_found() -> None:
    rng = np.random.default_rng(4)
    truth, predicted = np.zeros((2, 12, 12), bool)
    truth[2, 2] = predicted[8, 6] = True
    for _ in range(200):
        spacing = tuple(rng.uniform(0.01, 9, 2).tolist())
        far = surface_distances(truth, predicted, spacing=spacing).true_distances.max()
        assert surface_distances(truth, predicted, spacing=spacing, farthest=float(far)).true_distances.max() == far


def test_classes_are_measured_as_their_own_masks_are() -> None:
    rng = np.random.default_rng(2)
    truth, predicted = rng.choice(np.array([7, 0, 300, 255], np.uint16), (2, 20, 31))
    found = class_surface_distances(truth, predicted, LABELS, spacing=(0.5, 2.0))
    kept = truth != 255
    for index, of_class in enumerate(found):
        masks = [(mask == LABELS.ids[index]) & kept for mask in (truth, predicted)]
        assert_alike(of_class, surface_distances(*masks, spacing=(0.5, 2.0)))


def test_a_class_that_ends_at_void_ends_there_in_both_masks() -> None:
    truth = np.array([[7, 7, 255, 255]], np.uint8)
    predicted = np.array([[7, 7, 7, 7]], np.uint8)
    sky = class_surface_distances(truth, predicted, LABELS)[0]
    assert sky.true_distances.tolist() == sky.predicted_distances.tolist() == [0.0] * 6


def test_inputs_are_left_alone() -> None:
    truth = np.array([[7, 255], [0, 0]], np.uint8)
    predicted = np.array([[0, 7], [0, 7]], np.uint8)
    truth.flags.writeable = predicted.flags.writeable = False
    class_surface_distances(truth, predicted, LABELS)
    surface_distances(truth > 0, predicted > 0)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"mask: the truth has the shape \(2, 3\) and the prediction \(3, 2\)"):
        surface_distances(np.ones((2, 3), bool), np.ones((3, 2), bool))
    with pytest.raises(ShapeError, match=r"Give two masks of one shape, \(height, width\)"):
        surface_distances(np.ones(3, bool), np.ones(3, bool))
    with pytest.raises(ShapeError, match=r"a\.png: a mask is float64\. Give class ids as uint8 or uint16"):
        class_surface_distances(np.ones((2, 2)), np.ones((2, 2)), LABELS, where="a.png")


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 2.0, 3.0), (0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (np.inf, 1.0)])
def test_a_spacing_that_does_not_fit_is_refused(spacing: tuple[float, ...]) -> None:
    mask = np.ones((2, 2), bool)
    with pytest.raises(DataError, match=r"does not fit masks of 2 axes\. Give one positive number an axis"):
        surface_distances(mask, mask, spacing=spacing)


def test_an_unknown_id_is_refused() -> None:
    mask = np.full((2, 2), 7, np.uint8)
    with pytest.raises(DataError, match=r"b\.png: holds the id 9"):
        class_surface_distances(mask, np.full((2, 2), 9, np.uint8), LABELS, where="b.png")
