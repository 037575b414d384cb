"""The guided filter beside the paper's formulas written out window by window."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from intarsia.errors import RecipeError, ShapeError
from intarsia.ops.guided_filter import guided_refine


def picture(height: int, width: int, channels: int, dtype: type[np.uint8] | type[np.uint16] = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(height + width)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), endpoint=True).astype(dtype)


def shares(height: int, width: int, classes: int = 3) -> np.ndarray:
    drawn = np.random.default_rng(1).dirichlet(np.ones(classes), (height, width))
    return np.ascontiguousarray(drawn.transpose(2, 0, 1), np.float32)


def literal(image: np.ndarray, probabilities: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """A least-squares fit in each window, then at each pixel the mean of what the lines of all its windows say."""
    height, width, channels = image.shape
    guide = image / np.iinfo(image.dtype).max
    sums, windows = np.zeros(probabilities.shape), np.zeros((height, width))
    for y, x in product(range(height), range(width)):
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        inside = guide[window].reshape(-1, channels)
        centered = inside - inside.mean(axis=0)
        covariance = centered.T @ centered / len(inside) + epsilon * np.eye(channels)
        windows[window] += 1
        for k, probability in enumerate(probabilities):
            values = probability[window].ravel().astype(np.float64)
            slope = np.linalg.solve(covariance, centered.T @ (values - values.mean()) / len(inside))
            sums[k][window] += (guide[window] - inside.mean(axis=0)) @ slope + values.mean()
    filtered = np.maximum(sums / windows, 0)
    return np.asarray(filtered / filtered.sum(axis=0))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("size", "radius"), [((9, 12), 1), ((12, 7), 3), ((5, 6), 4), ((4, 5), 50), ((1, 9), 2)])
def test_equals_the_formulas_written_out(channels: int, size: tuple[int, int], radius: int) -> None:
    image, probabilities = picture(*size, channels), shares(*size)
    for epsilon in (1e-1, 1e-4):
        found = guided_refine(image, probabilities, radius, epsilon)
        np.testing.assert_allclose(found, literal(image, probabilities, radius, epsilon), atol=2e-5)


def test_sixteen_bits_and_any_layout() -> None:
    image, probabilities = picture(10, 8, 3, np.uint16), shares(10, 8)
    found = guided_refine(np.asfortranarray(image), np.asfortranarray(probabilities), 2, 1e-2)
    np.testing.assert_allclose(found, literal(image, probabilities, 2, 1e-2), atol=2e-5)


def test_probabilities_remain_probabilities() -> None:
    found = guided_refine(picture(40, 30, 3), shares(40, 30, 5), 4, 1e-6)
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)


def test_a_flat_picture_gives_the_mean_of_means_and_a_step_keeps_the_classes_apart() -> None:
    probabilities = np.zeros((2, 20, 20), np.float32)
    probabilities[0, :, :12] = probabilities[1, :, 12:] = 1  # the border is two pixels off the edge
    flat, step = np.full((20, 20, 1), 7, np.uint8), np.zeros((20, 20, 1), np.uint8)
    step[:, 10:] = 255
    smooth = guided_refine(flat, probabilities, 4, 1e-3)
    assert (np.diff(smooth[1, 10, 5:18]) > 0).all()
    labels = guided_refine(step, probabilities, 6, 1e-3).argmax(axis=0)
    np.testing.assert_array_equal(labels, np.broadcast_to(np.arange(20) >= 10, (20, 20)))


def test_nothing_to_refine() -> None:
    certain = np.ones((1, 6, 7), np.float32)
    np.testing.assert_allclose(guided_refine(picture(6, 7, 3), certain, 2), certain, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: guided_refine(picture(4, 5, 3), shares(5, 4)), ShapeError, r"uint8 \[4, 5, 3\], .* \[3, 5, 4\]"),
        (lambda: guided_refine(picture(4, 5, 3), shares(4, 5), 0), RecipeError, "radius 0, epsilon 0.001"),
        (lambda: guided_refine(picture(4, 5, 3), shares(4, 5), 2, 0.0), RecipeError, "an epsilon above 0"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
