"""The dense CRF: what it is, what it keeps, and what it refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.ops import permutohedral
from intarsia.predict.crf import CrfParameters, read_parameters, refine

PARAMETERS = CrfParameters(gaussian_sxy=2, bilateral_sxy=6, bilateral_srgb=25, gaussian_compat=1, bilateral_compat=2)


def scene(height: int, width: int, classes: int, seed: int = 0, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Regions of their own colors, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    truth = (np.arange(width)[None] * 2 // width + np.arange(height)[:, None] * 2 // height) % classes
    colors = rng.integers(30, 226, (classes, channels))
    image = (colors[truth] + rng.integers(-8, 9, (height, width, channels))).astype(np.uint8)
    logits = rng.normal(0, 1, (classes, height, width)) + 1.5 * (truth == np.arange(classes)[:, None, None])
    shares = np.exp(logits)
    return image, (shares / shares.sum(axis=0)).astype(np.float32)


def brute_force(image: np.ndarray, probabilities: np.ndarray, parameters: CrfParameters) -> np.ndarray:
    """Krähenbühl & Koltun 2011, algorithm 1, with every pair of pixels."""
    rows, columns = np.indices(image.shape[:2])
    where = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    colors = image.reshape(len(where), -1).astype(float)

    def kernel(points: np.ndarray) -> np.ndarray:
        weights = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(axis=2))
        scale = 1 / np.sqrt(weights.sum(axis=1))
        return np.asarray(scale[:, None] * weights * scale)

    both = np.hstack([where / parameters.bilateral_sxy, colors / parameters.bilateral_srgb])
    pull = parameters.gaussian_compat * kernel(where / parameters.gaussian_sxy)
    pull += parameters.bilateral_compat * kernel(both)
    flat = probabilities.reshape(len(probabilities), -1).astype(float)
    state = flat / flat.sum(axis=0)
    for _ in range(parameters.iterations):
        state = flat * np.exp(state @ pull)
        state /= state.sum(axis=0)
    return np.asarray(state.reshape(probabilities.shape))


@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 2), (3, 5), (3, 9)])
def test_is_near_the_mean_field_over_all_pairs(channels: int, classes: int) -> None:
    """Near only: the lattice's kernel is a Gaussian's approximation, and the mean field enlarges what it differs by."""
    image, probabilities = scene(12, 10, classes, channels=channels)
    found, expected = refine(image, probabilities, PARAMETERS), brute_force(image, probabilities, PARAMETERS)
    moved = np.abs(expected - probabilities).mean()
    assert np.abs(found - expected).mean() < 0.15 * moved
    assert np.abs(found - expected).max() < 0.15
    assert (found.argmax(axis=0) == expected.argmax(axis=0)).mean() >= 0.97


pictures = st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(2, 10), st.integers(0, 1000))


@given(pictures, st.sampled_from([1, 3]), st.integers(0, 3))
def test_every_size_gives_a_distribution(shape: tuple[int, int, int, int], channels: int, iterations: int) -> None:
    height, width, classes, seed = shape
    image, probabilities = scene(height, width, classes, seed, channels)
    found = refine(image, probabilities, CrfParameters(iterations=iterations))
    assert found.shape == probabilities.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)


@given(pictures, st.randoms(use_true_random=False))
def test_other_numbers_of_the_classes_change_nothing_else(shape: tuple[int, int, int, int], random: Any) -> None:
    image, probabilities = scene(*shape)
    order = list(range(len(probabilities)))
    random.shuffle(order)
    np.testing.assert_allclose(refine(image, probabilities[order]), refine(image, probabilities)[order], atol=1e-4)


@given(pictures)
def test_where_nothing_differs_nothing_changes(shape: tuple[int, int, int, int]) -> None:
    height, width, classes, seed = shape
    image = np.full((height, width, 3), seed % 256, np.uint8)
    uniform = np.full((classes, height, width), 1 / classes, np.float32)
    np.testing.assert_allclose(refine(image, uniform), uniform, atol=1e-6)


def test_no_iterations_only_bound_and_normalize() -> None:
    image, probabilities = scene(5, 7, 3)
    probabilities[0, 2] = 0
    found = refine(image, probabilities, CrfParameters(iterations=0))
    bounded = probabilities.clip(1e-5, 1)
    np.testing.assert_allclose(found, bounded / bounded.sum(axis=0), rtol=1e-6)


def test_no_weight_leaves_what_was_given() -> None:
    image, probabilities = scene(9, 11, 3)
    found = refine(image, probabilities, CrfParameters(gaussian_compat=0, bilateral_compat=0))
    np.testing.assert_allclose(found, probabilities, atol=1e-6)


def test_huge_weights_do_not_overflow() -> None:
    image, probabilities = scene(20, 20, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = refine(image, probabilities, CrfParameters(gaussian_compat=1e4, bilateral_compat=1e6))
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)


def test_borders_move_to_the_colors_and_specks_vanish() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = (200, 180, 40)
    right = np.full((40, 60), 0.2, np.float32)
    right[:, 26:] = 0.8  # the network's border is four pixels off
    right[8, 10] = 0.9
    found = refine(image, np.stack([1 - right, right]))
    assert np.array_equal(found[1] > 0.5, image[:, :, 0] > 0)


def test_16_bits_are_the_same_gray_levels() -> None:
    image, probabilities = scene(12, 9, 3)
    wide = image.astype(np.uint16) * 257
    np.testing.assert_allclose(refine(wide, probabilities), refine(image, probabilities), atol=1e-4)


def test_neither_threads_nor_layout_nor_dtype_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutohedral, "_STRIP", 500)
    image, probabilities = scene(60, 50, 4)
    expected = refine(image, probabilities)
    fortran = np.asfortranarray(image), np.asfortranarray(probabilities)
    assert np.array_equal(refine(*fortran), expected)
    assert np.array_equal(refine(image, probabilities.astype(np.float64)), expected)
    probabilities.flags.writeable = image.flags.writeable = False
    threads = torch.get_num_threads()
    try:
        for count in (2, 3):
            torch.set_num_threads(count)
            assert np.array_equal(refine(image, probabilities), expected)
    finally:
        torch.set_num_threads(threads)


IMAGE, SHARES = np.zeros((4, 6, 3), np.uint8), np.full((2, 4, 6), 0.5, np.float32)
NAN = np.where(np.arange(48).reshape(2, 4, 6) == 7, np.nan, SHARES).astype(np.float32)


@pytest.mark.parametrize(
    ("image", "probabilities", "kind", "message"),
    [
        (IMAGE, NAN, DataError, r"a\.png: some of its probabilities are NaN\. Give probabilities in \[0, 1\], a"),
        (IMAGE, SHARES * 9, DataError, r"its probabilities are 4\.5 to 4\.5\."),
        (IMAGE, SHARES - 1, DataError, r"its probabilities are -0\.5 to -0\.5\."),
        (IMAGE, SHARES[:, :3], ShapeError, r"the picture is 6×4 pixels and its probabilities are 6×3\. Give the prob"),
        (IMAGE, SHARES[:1], ShapeError, r"the probabilities are float32 \[1, 4, 6\]\. Give floats \[K, H, W\] of at"),
        (IMAGE, SHARES[0], ShapeError, r"the probabilities are float32 \[4, 6\]\."),
        (IMAGE, SHARES.astype(np.uint8), ShapeError, r"the probabilities are uint8 \[2, 4, 6\]\."),
        (IMAGE[:, :, :2], SHARES, ShapeError, r"has the shape \[4, 6, 2\]\. Give one picture as \[H, W, C\] with C ="),
        (IMAGE[:, :, 0], SHARES, ShapeError, r"has the shape \[4, 6\]\."),
        (IMAGE[:0], SHARES[:, :0], ShapeError, r"has the shape \[0, 6, 3\]\."),
        (IMAGE / 255, SHARES, ShapeError, r"has the dtype float64\. Give the stored values as uint8 or uint16\."),
    ],
)
def test_what_cannot_be_refined_is_refused(
    image: np.ndarray, probabilities: np.ndarray, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        refine(image, probabilities, where="a.png")


def test_a_kernel_too_narrow_names_the_picture() -> None:
    with pytest.raises(RecipeError, match=r"a\.png: a kernel of 1e-09 pixels is too narrow for a picture of 6×4\."):
        refine(IMAGE, SHARES, CrfParameters(bilateral_sxy=1e-9), where="a.png")
    with pytest.raises(RecipeError, match=r"a kernel of 1e-300 pixels is too narrow for a picture of 1×1\."):
        refine(IMAGE[:1, :1], SHARES[:, :1, :1], CrfParameters(gaussian_sxy=1e-300))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gaussian_sxy": 0}, "gaussian_sxy is 0. Make `gaussian_sxy` a number above 0 to 1,000,000."),
        ({"bilateral_srgb": -1.5}, "bilateral_srgb is -1.5. Make `bilateral_srgb` a number above 0 to 1,000,000."),
        ({"bilateral_compat": -1}, "bilateral_compat is -1. Make `bilateral_compat` a number from 0 to 1,000,000."),
        ({"iterations": -1}, "iterations is -1. Make `iterations` a number from 0 to 1,000,000."),
        (
            {"gaussian_compat": 2e6},
            "gaussian_compat is 2000000.0. Make `gaussian_compat` a number from 0 to 1,000,000.",
        ),
        ({"iterations": 2.5}, "iterations is 2.5, which is not a whole number. Correct `iterations`."),
        ({"iterations": True}, "iterations is True, which is not a whole number. Correct `iterations`."),
        ({"bilateral_sxy": float("inf")}, "bilateral_sxy is inf. Make `bilateral_sxy` a number above 0 to 1,000,000."),
        ({"bilateral_sxy": "80"}, "bilateral_sxy is '80', which is not a number. Correct `bilateral_sxy`."),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "crf.yaml"
    file.write_text("\n".join(f"{key}: {_yaml(value)}" for key, value in values.items()))
    with pytest.raises(RecipeError) as caught:
        read_parameters(file)
    assert str(caught.value) == f"{file}: {message}"


def _yaml(value: Any) -> str:
    return ".inf" if value == float("inf") else repr(value)


def test_parameters_are_read_as_they_were_written(tmp_path: Path) -> None:
    parameters = CrfParameters(bilateral_sxy=40, iterations=3)
    parameters.write(tmp_path / "crf.yaml")
    assert read_parameters(tmp_path / "crf.yaml") == parameters
    assert "bilateral_srgb: 13.0\n" in (tmp_path / "crf.yaml").read_text()


def test_keys_left_out_have_their_defaults(tmp_path: Path) -> None:
    (tmp_path / "crf.yaml").write_text("bilateral_srgb: 5")
    assert read_parameters(tmp_path / "crf.yaml") == CrfParameters(bilateral_srgb=5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("bilateral_rgb: 5", "the key 'bilateral_rgb' is unknown. Did you mean 'bilateral_srgb'?"),
        ("zzz: 5", "the key 'zzz' is unknown. Choose from gaussian_sxy, gaussian_compat, bilateral_sxy, "),
        ("1: 5", "the key 1 is unknown. Choose from "),
        ("a: [", "is not YAML (while parsing a flow node"),
        ("", "holds no keys. Give some of gaussian_sxy, "),
        ("[1]", "holds no keys."),
    ],
)
def test_a_wrong_file_is_refused(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "crf.yaml"
    file.write_text(content)
    with pytest.raises(RecipeError) as caught:
        read_parameters(file)
    assert str(caught.value).startswith(f"{file}: {message}"[:-1])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"crf\.yaml: cannot be read\. Check the path of the CRF's parameters\."):
        read_parameters(tmp_path / "crf.yaml")
