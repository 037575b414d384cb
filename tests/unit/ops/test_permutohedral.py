"""The lattice against a slow one of plain Python, and against the Gaussian it stands for."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from intarsia.errors import RecipeError
from intarsia.ops import permutohedral
from intarsia.ops.permutohedral import Filter, Gaussian, Workers, build_lattice
from intarsia.ops.vectors import LANES

KERNELS = (Gaussian(3, None, 2.0), Gaussian(8, 20, 5.0))


def picture(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = (np.arange(width)[None, :, None] // 5 + np.arange(height)[:, None, None] // 4) % 3 * 60
    return np.asarray((steps + rng.integers(0, 40, (height, width, channels))).astype(np.float32))


def filtered(image: np.ndarray, gaussians: tuple[Gaussian, ...], values: np.ndarray, threads: int = 1) -> np.ndarray:
    """Splat, blur and slice of values [pixels, classes], each kernel's share apart: [kernels, pixels, classes]."""
    with Workers(threads) as workers:
        lattice = build_lattice(image, gaussians, workers)
        messages = Filter(lattice, values.shape[1], workers)
        for strip in lattice.strips:
            first, last = strip.pixels
            sums = strip.part(messages.sums, messages.width).reshape(-1, messages.width)
            for entry in range(strip.vertices.shape[1]):
                shares = strip.weights[: last - first, entry, None] * values[first:last]
                np.add.at(sums[:, : values.shape[1]], strip.vertices[: last - first, entry], shares)
        messages.blur()
        assert not messages.sums.any()
        result, corner = np.zeros((len(gaussians), *values.shape)), 0
        for kernel, axes in enumerate(lattice.axes):
            for strip in lattice.strips:
                first, last = strip.pixels
                read = strip.part(messages.values, messages.width).reshape(-1, messages.width)[:, : values.shape[1]]
                for entry in range(corner, corner + len(axes.forward)):
                    weights = strip.weights[: last - first, entry, None]
                    result[kernel, first:last] += weights * read[strip.vertices[: last - first, entry]]
            corner += len(axes.forward)
    return result


def features(image: np.ndarray, gaussian: Gaussian) -> np.ndarray:
    rows, columns = np.indices(image.shape[:2])
    planes = [columns / gaussian.position, rows / gaussian.position]
    if gaussian.color is not None:
        planes += list(np.moveaxis(image, 2, 0) / gaussian.color)
    return np.stack(planes, axis=-1).reshape(image.shape[0] * image.shape[1], -1)


def slow(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Adams et al. 2010 word by word, in float64, vertices in a dict."""
    d = points.shape[1]
    basis = np.zeros((d + 1, d))  # E of §3.1: column j is (1, …, 1, −(j + 1), 0, …) over its length
    for j in range(d):
        basis[: j + 1, j], basis[j + 1, j] = 1, -(j + 1)
        basis[:, j] /= np.linalg.norm(basis[:, j])
    elevated = points @ basis.T * math.sqrt(2 / 3) * (d + 1)
    corners = []
    for point in elevated:
        origin = np.rint(point / (d + 1)) * (d + 1)
        order = np.argsort(-(point - origin), kind="stable")
        excess = int(origin.sum()) // (d + 1)
        if excess > 0:
            origin[order[-excess:]] -= d + 1
        elif excess < 0:
            origin[order[:-excess]] += d + 1
        order = np.argsort(-(point - origin), kind="stable")
        rest = (point - origin)[order] / (d + 1)
        weights = [1 + rest[d] - rest[0], *(rest[d - k] - rest[d - k + 1] for k in range(1, d + 1))]
        here = []
        for k in range(d + 1):
            vertex = origin + k
            vertex[order[d + 1 - k :]] -= d + 1
            here.append((tuple(vertex.astype(int)), weights[k]))
        np.testing.assert_allclose(sum(weight * np.array(vertex) for vertex, weight in here), point, atol=1e-9)
        corners.append(here)
    table: dict[tuple[int, ...], np.ndarray] = defaultdict(lambda: np.zeros(values.shape[1]))
    for here, value in zip(corners, values, strict=True):
        for vertex, weight in here:
            table[vertex] += weight * value
    for axis in range(d + 1):
        step = np.full(d + 1, -1)
        step[axis] = d
        nothing = np.zeros(values.shape[1])
        table = {
            vertex: value
            + sum(0.5 * table.get(tuple((np.array(vertex) + sign * step).tolist()), nothing) for sign in (1, -1))
            for vertex, value in table.items()
        }
    return np.array([sum(weight * table[vertex] for vertex, weight in here) for here in corners])


def normalized(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(slow(points, np.ones((len(points), 1))))
    return np.asarray(scale * slow(points, scale * values))


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_a_slow_lattice(channels: int) -> None:
    image = picture(13, 17, channels)
    values = np.random.default_rng(1).random((13 * 17, 3))
    found = filtered(image, KERNELS, values)
    for kernel, shares in zip(KERNELS, found, strict=True):
        expected = kernel.gain * normalized(features(image, kernel), values)
        np.testing.assert_allclose(shares, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_is_near_the_gaussian_it_stands_for(channels: int) -> None:
    """Near only: the lattice's own kernel is a sum of tents, Adams et al. 2010, fig. 5."""
    image = picture(20, 24, channels)
    values = np.random.default_rng(1).random((20 * 24, 2))
    for kernel, shares in zip(KERNELS, filtered(image, KERNELS, values), strict=True):
        points = features(image, kernel)
        weights = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(axis=2))
        scale = 1 / np.sqrt(weights.sum(axis=1))
        expected = kernel.gain * scale[:, None] * (weights @ (scale[:, None] * values))
        assert np.abs(shares - expected).mean() < 0.03 * kernel.gain
        assert np.corrcoef(shares.ravel(), expected.ravel())[0, 1] > 0.9


def test_neither_strips_nor_threads_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    image, values = picture(40, 30, 3), np.random.default_rng(2).random((1200, 9))
    whole = filtered(image, KERNELS, values)
    monkeypatch.setattr(permutohedral, "_STRIP", 170)
    one, two, five = (filtered(image, KERNELS, values, threads) for threads in (1, 2, 5))
    np.testing.assert_allclose(one, whole, rtol=1e-5, atol=1e-6)
    assert np.array_equal(one, two)
    assert np.array_equal(one, five)


def test_strips_cover_the_picture_in_eights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutohedral, "_STRIP", 100)
    with Workers(1) as workers:
        lattice = build_lattice(picture(31, 13, 3), KERNELS, workers)
    assert lattice.strips[0].pixels[0] == 0
    for before, after in itertools.pairwise(lattice.strips):
        assert before.pixels[1] == after.pixels[0]
        assert before.ranges[-1][1] == after.ranges[0][0]
    assert lattice.strips[-1].pixels[1] == 31 * 13
    assert len(lattice.corners) == 9
    for strip in lattice.strips:
        pixels = strip.pixels[1] - strip.pixels[0]
        assert len(strip.vertices) % LANES == 0
        assert not strip.weights[pixels:].any()
    counts = np.diff(lattice.starts)
    assert counts.min() >= 1
    assert np.array_equal(np.repeat(np.arange(counts.size), counts), lattice.to_row[lattice.members])


def test_neighbours_are_mutual() -> None:
    with Workers(1) as workers:
        lattice = build_lattice(picture(20, 20, 3), KERNELS, workers)
    absent = lattice.starts.size - 1
    for axes in lattice.axes:
        for backward, forward in zip(axes.backward, axes.forward, strict=True):
            numbers = np.flatnonzero(forward != absent)
            assert numbers.size > 0
            assert np.array_equal(backward[forward[numbers] - axes.base], numbers + axes.base)


def test_many_vertices_fill_the_table_several_times_over() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.float32)
    kernel = (Gaussian(2, 4, 1.0),)
    with Workers(1) as workers:
        lattice = build_lattice(image, kernel, workers)
    assert lattice.starts.size > 10_000
    values = np.random.default_rng(1).random((3600, 1))
    expected = normalized(features(image, kernel[0])[:50], values[:50])
    found = filtered(image[:1, :50], kernel, values[:50])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("position", [1e-6, 1e-30])
def test_a_kernel_too_narrow_to_count_its_vertices_is_refused(position: float) -> None:
    with (
        Workers(1) as workers,
        pytest.raises(RecipeError, match=r"a kernel of 1e-\d+ pixels is too narrow for a picture of 9×8\. Choose a la"),
    ):
        build_lattice(picture(8, 9, 3), (Gaussian(position, None, 1.0),), workers)
