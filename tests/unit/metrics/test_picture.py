"""What is counted of one picture, and how it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.errors import RecipeError
from intarsia.metrics.boundary import DEFAULT_TOLERANCES, Tolerance
from intarsia.metrics.counts import flatten, stack
from intarsia.metrics.picture import CountOptions, count_picture
from intarsia.metrics.surface import hausdorff_distance, surface_counts
from intarsia.metrics.surface_search import class_surface_distances
from intarsia.types import LabelMap

LABELS = LabelMap(("ground", "tree", "never"), ids=(3, 1, 9), ignore=255)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth, predicted = np.repeat(random.choice([1, 3], (2, 5, 6)), 3, axis=1).astype(np.uint8)
    truth[:2] = 255
    return truth, predicted


def test_options_are_read_as_people_write_them() -> None:
    assert CountOptions.parse() == CountOptions(DEFAULT_TOLERANCES, None, None)
    read = CountOptions.parse(["0.5%", "3", "1 px", "3 px"], "0.5, 0.8", ["2", "1", "2.0"])
    assert read == CountOptions((Tolerance(1), Tolerance(3), Tolerance(0.5, "%")), (0.5, 0.8), (1.0, 2.0))
    assert CountOptions.parse(spacing="2").spacing == (2, 2)


@pytest.mark.parametrize("text", ["0", "1,-2", "1,2,3", "1,", "", "a", "1;2", "nan", "inf,1", "1e200", "1e-320"])
def test_what_is_no_size_of_a_pixel_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^spacing: .* is not the size of a pixel\. Give its height and width"):
        CountOptions.parse(spacing=text)


@pytest.mark.parametrize("text", ["-1", "2 mm", "", "nan", "inf"])
def test_what_is_no_surface_tolerance_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^surface tolerance: .* is no distance\. Give a number ≥ 0"):
        CountOptions.parse(spacing="1", surface_tolerances=[text])


def test_what_is_no_tolerance_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"^tolerance: '2 cm' is no distance\. Give a number ≥ 0 of pixels"):
        CountOptions.parse(["1 px", "2 cm"])


def test_a_surface_tolerance_needs_the_size_of_a_pixel() -> None:
    with pytest.raises(RecipeError, match=r"^surface tolerance: there is no size .* \(`--spacing 0\.5,0\.5`\)"):
        CountOptions(surface_tolerances=(1.0,))


def test_surfaces_are_counted_when_the_size_of_a_pixel_is_known(pair: tuple[np.ndarray, np.ndarray]) -> None:
    counts = count_picture(*pair, LABELS, options=CountOptions((Tolerance(4),), (0.5, 0.8), (0.5, 1.0)))
    distances = class_surface_distances(*pair, LABELS, spacing=(0.5, 0.8))
    assert counts.surface is not None
    assert counts.hausdorff is not None
    np.testing.assert_array_equal(
        flatten(stack([counts.surface])), flatten(stack([surface_counts(distances, (0.5, 1.0))]))
    )
    np.testing.assert_array_equal(counts.hausdorff[:, 0], hausdorff_distance(distances))
    np.testing.assert_array_equal(counts.hausdorff[:, 1], hausdorff_distance(distances, 95.0))
    assert counts.spacing == (0.5, 0.8)
    assert counts.boundary.tolerances == ("4 px",)


def test_surface_tolerances_follow_from_the_size_of_a_pixel(pair: tuple[np.ndarray, np.ndarray]) -> None:
    surface = count_picture(*pair, LABELS, options=CountOptions(spacing=(0.5, 0.25))).surface
    assert surface is not None
    assert surface.tolerances == (0.5, 1, 1.5)
    plain = count_picture(*pair, LABELS)
    assert (plain.surface, plain.hausdorff, plain.spacing) == (None, None, None)


def test_void_truth_changes_no_surface(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = pair
    other = np.where(truth == 255, 9, predicted).astype(np.uint8)
    one, two = (
        count_picture(truth, each, LABELS, options=CountOptions(spacing=(1.0, 1.0))) for each in (predicted, other)
    )
    assert one.surface is not None
    assert two.surface is not None
    np.testing.assert_array_equal(one.hausdorff, two.hausdorff)
    np.testing.assert_array_equal(flatten(stack([one.surface])), flatten(stack([two.surface])))
