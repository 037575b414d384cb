"""Boundary figures: worked by hand, beside a slow literal reference, MONAI and the published algorithm, and laws."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from monai.metrics import compute_surface_dice
from monai.metrics.utils import get_mask_edges
from scipy import ndimage

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.metrics import boundary, counts
from intarsia.metrics.boundary import BoundaryCounts, Tolerance, boundary_counts
from intarsia.types import LabelMap

VOID = 200
LABELS = LabelMap(("a", "b", "c"), ids=(0, 7, 100), ignore=VOID)
TOLERANCES = (Tolerance(1.5), Tolerance(0), Tolerance(12, "%"), Tolerance(3))  # not in order
WIDTHS = (2, 0, 1.5)
FIELDS = counts.array_fields(boundary_counts(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), LABELS))


def masks(ids: list[int]) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.uint8, (2, 9, 11), elements=st.sampled_from(ids))


PAIRS = masks([0, 0, 0, 7, 7, 100, VOID])  # truth and prediction, both with void
KNOWN_PAIRS = masks([0, 0, 0, 7])


def count(pair: np.ndarray, band: Tolerance = boundary.DEFAULT_BAND) -> BoundaryCounts:
    return boundary_counts(pair[0], pair[1], LABELS, tolerances=TOLERANCES, widths=WIDTHS, band=band)


def edge(mask: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    return np.asarray(mask & ~ndimage.binary_erosion(mask | unknown, border_value=1))


def distances_to(marked: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(~marked) if marked.any() else np.full(marked.shape, np.inf)


def literal(truth: np.ndarray, predicted: np.ndarray, band: int) -> dict[str, np.ndarray]:
    """Every count, from whole masks of one class after the other."""
    unknown = truth == VOID
    diagonal = math.hypot(*truth.shape)
    tolerances = [each.value if each.unit == "px" else each.value / 100 * diagonal for each in TOLERANCES]
    borders = np.zeros(truth.shape, bool)
    for label in LABELS.ids:
        borders |= edge(truth == label, unknown)
    near = [distances_to(borders) <= width for width in WIDTHS]
    found: dict[str, list[object]] = {name: [] for name in FIELDS}
    for label in LABELS.ids:
        true, guess = (truth == label) & ~unknown, (predicted == label) & ~unknown
        true_edge, edge_found = edge(true, unknown), edge(guess, unknown)
        true_band, band_found = (
            mask & ~ndimage.binary_erosion(mask | unknown, np.ones((3, 3)), iterations=band) for mask in (true, guess)
        )
        to_found, to_true = distances_to(edge_found)[true_edge], distances_to(true_edge)[edge_found]
        of_class = {
            "true": true_edge.sum(),
            "predicted": edge_found.sum(),
            "true_matched": [(to_found <= tolerance).sum() for tolerance in tolerances],
            "predicted_matched": [(to_true <= tolerance).sum() for tolerance in tolerances],
            "band_true": true_band.sum(),
            "band_predicted": band_found.sum(),
            "band_common": (true_band & band_found).sum(),
            "trimap_true": [(true & within).sum() for within in near],
            "trimap_predicted": [(guess & within).sum() for within in near],
            "trimap_common": [(true & guess & within).sum() for within in near],
        }
        for name, value in of_class.items():
            found[name].append(value)
    return {name: np.array(values) for name, values in found.items()}


@given(PAIRS, st.integers(1, 4))
def test_counts_equal_the_literal_reference(pair: np.ndarray, band: int) -> None:
    found = count(pair, Tolerance(band))
    for name, expected in literal(pair[0], pair[1], band).items():
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name)


def test_counts_of_larger_masks_equal_the_literal_reference() -> None:
    rng = np.random.default_rng(0)
    for smooth in (2, 6):
        fields = ndimage.gaussian_filter(rng.standard_normal((4, 90, 130)), (0, smooth, smooth))
        shifted = np.roll(fields, 2, axis=2) + 0.1 * fields.std() * rng.standard_normal(fields.shape)
        pair = np.array([0, 7, 100, VOID], np.uint8)[np.stack([fields.argmax(axis=0), shifted.argmax(axis=0)])]
        for name, expected in literal(pair[0], pair[1], 3).items():
            np.testing.assert_array_equal(getattr(count(pair), name), expected, err_msg=name)


def test_figures_worked_by_hand() -> None:
    """A border between columns 3 and 4 of a 10×8 picture, predicted one column to the right."""
    labels = LabelMap(("left", "right"))
    truth, predicted = np.zeros((2, 10, 8), np.uint8)
    truth[:, 4:] = predicted[:, 5:] = 1
    found = boundary_counts(
        truth, predicted, labels, tolerances=(Tolerance(0), Tolerance(1)), widths=(0, 1), band=Tolerance(1)
    )
    np.testing.assert_array_equal(boundary.boundary_f1(found), [[0, 1], [0, 1]])
    np.testing.assert_array_equal(boundary.mean_boundary_f1(found), [0, 1])
    # Left: true band is the frame of 10×4 pixels, 24; predicted that of 10×5, 26; in common the frame but for the
    # last true column's 8 inner pixels. Right: 24, 22 and likewise.
    np.testing.assert_allclose(boundary.boundary_iou(found), [16 / 34, 14 / 32])
    np.testing.assert_allclose(boundary.mean_boundary_iou(found), (16 / 34 + 14 / 32) / 2)
    # Width 0 holds columns 3 and 4 (true: 3 | 4, predicted: 3 4 |), width 1 columns 2 to 5 (2 3 | 4 5, 2 3 4 | 5).
    np.testing.assert_allclose(boundary.trimap_iou(found), [[1 / 2, 2 / 3], [0, 1 / 2]])
    np.testing.assert_allclose(boundary.mean_trimap_iou(found), [1 / 4, 7 / 12])


def test_precision_and_recall_tell_a_spurious_border_from_a_missed_one() -> None:
    truth, predicted = np.zeros((2, 20, 20), np.uint8)
    truth[2:6, 2:6] = predicted[2:6, 2:6] = predicted[12:16, 12:16] = 7
    for pair, precision, recall in (((truth, predicted), 0.5, 1), ((predicted, truth), 1, 0.5)):
        found = boundary_counts(*pair, LABELS)
        np.testing.assert_allclose(boundary.boundary_precision(found)[:2], precision)
        np.testing.assert_allclose(boundary.boundary_recall(found)[:2], recall)
        np.testing.assert_allclose(boundary.boundary_f1(found)[:2], 2 / 3)


def inside(labels: np.ndarray) -> np.ndarray:
    """Three classes of which only the first touches the frame, where MONAI sees a boundary and we do not."""
    return np.pad(labels, 3, constant_values=0)


@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges.*always_return:FutureWarning")
@given(masks([0, 0, 7, 7, 7, 100]))
def test_boundaries_and_matches_equal_monais_away_from_the_frame(pair: np.ndarray) -> None:
    truth, predicted = inside(pair[0]), inside(pair[1])
    found = count(np.stack([truth, predicted]))
    for k, label in enumerate(LABELS.ids[1:], start=1):
        edges = get_mask_edges(predicted == label, truth == label, crop=False)
        assert [edge.sum() for edge in edges] == [found.predicted[k], found.true[k]]
    one_hot = [torch.from_numpy(np.stack([mask == label for label in LABELS.ids]))[None] for mask in (predicted, truth)]
    if not (found.true[1:].all() and found.predicted[1:].all()):
        return  # MONAI warns
    for t, tolerance in enumerate(TOLERANCES):
        pixels = [float(tolerance.pixels(*truth.shape))] * 2
        theirs = compute_surface_dice(*one_hot, class_thresholds=pixels)[0].numpy()
        matched = found.true_matched[1:, t] + found.predicted_matched[1:, t]
        np.testing.assert_allclose(matched / (found.true + found.predicted)[1:], theirs, rtol=1e-6)


@pytest.mark.parametrize(("percent", "size"), [(2, (120, 161)), (2, (5, 7)), (0.5, (300, 400))])
def test_boundary_iou_equals_the_published_algorithm(percent: float, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    fields = ndimage.gaussian_filter(rng.standard_normal((2, 3, *size)), (0, 0, 8, 8))
    fields[1] = 0.7 * fields[0] + 0.3 * fields[1]
    pair = np.array(LABELS.ids, np.uint8)[fields.argmax(axis=1)]
    dilation = max(1, round(percent / 100 * math.sqrt(size[0] ** 2 + size[1] ** 2)))

    def published(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        return np.asarray(mask & ~ndimage.binary_erosion(padded, np.ones((3, 3)), dilation)[1:-1, 1:-1])

    expected = []
    for label in LABELS.ids:
        true, found = (published(mask == label) for mask in pair)
        expected.append((true & found).sum() / (true | found).sum() if (true | found).any() else math.nan)
    np.testing.assert_array_equal(boundary.boundary_iou(count(pair, Tolerance(percent, "%"))), expected)


def equal(first: BoundaryCounts, second: BoundaryCounts) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


@given(PAIRS, masks([0, 7, 100, VOID]))
def test_what_is_predicted_on_void_truth_does_not_matter(pair: np.ndarray, other: np.ndarray) -> None:
    truth, predicted = pair
    equal(count(pair), count(np.stack([truth, np.where(truth == VOID, other[0], predicted)])))


@given(PAIRS)
def test_turning_and_mirroring_changes_nothing(pair: np.ndarray) -> None:
    turns: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda mask: np.rot90(mask, axes=(1, 2)),
        lambda mask: mask[:, ::-1],
        lambda mask: mask[:, :, ::-1],
        lambda mask: mask.transpose(0, 2, 1),
    ]
    for turn in turns:
        equal(count(pair), count(turn(pair)))


@given(KNOWN_PAIRS)
def test_truth_and_prediction_trade_places(pair: np.ndarray) -> None:
    there, back = count(pair), count(pair[::-1])
    np.testing.assert_array_equal(boundary.boundary_precision(there), boundary.boundary_recall(back))
    np.testing.assert_array_equal(boundary.boundary_f1(there), boundary.boundary_f1(back))
    np.testing.assert_array_equal(boundary.boundary_iou(there), boundary.boundary_iou(back))


@given(PAIRS)
def test_more_matches_at_larger_tolerances_and_more_pixels_in_wider_trimaps(pair: np.ndarray) -> None:
    found = count(pair)
    for array in (found.true_matched, found.predicted_matched):  # 0, 12% of 14.2, 1.5, 3 px stand at 1, 2, 0, 3
        assert (np.diff(array[:, [1, 0, 2, 3]], axis=1) >= 0).all()
    for array in (found.trimap_true, found.trimap_predicted, found.trimap_common):
        assert (np.diff(array[:, [1, 2, 0]], axis=1) >= 0).all()
    assert (found.true_matched <= found.true[:, None]).all()
    assert (found.predicted_matched <= found.predicted[:, None]).all()


@given(masks([0, 0, 7, 100, VOID]))
def test_a_perfect_prediction_scores_1_wherever_there_is_a_score(pair: np.ndarray) -> None:
    found = count(np.stack([pair[0], pair[0]]))
    for figure in (boundary.boundary_f1, boundary.boundary_iou, boundary.trimap_iou):
        values = figure(found)
        assert (np.isnan(values) | (values == 1)).all()


def test_empty_truth_and_prediction_have_defined_values() -> None:
    full, blob = np.zeros((2, 12, 12), np.uint8)
    blob[4:8, 4:8] = 7
    void = np.full((12, 12), VOID, np.uint8)

    def of_b(truth: np.ndarray, predicted: np.ndarray) -> list[float]:
        found = boundary_counts(truth, predicted, LABELS, tolerances=(Tolerance(2),), widths=(3,))
        figures = (
            boundary.boundary_precision(found)[1, 0],
            boundary.boundary_recall(found)[1, 0],
            boundary.boundary_f1(found)[1, 0],
            boundary.boundary_iou(found)[1],
            boundary.trimap_iou(found)[1, 0],
        )
        return [float(figure) for figure in figures]

    np.testing.assert_equal(of_b(blob, blob), [1, 1, 1, 1, 1])
    np.testing.assert_equal(of_b(blob, full), [math.nan, 0, 0, 0, 0])
    # Without a true border there is no trimap at all.
    np.testing.assert_equal(of_b(full, blob), [0, math.nan, 0, 0, math.nan])
    np.testing.assert_equal(of_b(full, full), [math.nan] * 5)
    np.testing.assert_equal(of_b(void, blob), [math.nan] * 5)
    # A class that fills the picture has no border, but, because of the frame, a band.
    np.testing.assert_equal(of_b(full + np.uint8(7), full + np.uint8(7)), [math.nan] * 3 + [1, math.nan])
    # A void prediction is of no class: the mask next to it ends there, and here it is all missed.
    np.testing.assert_equal(of_b(blob, void), [math.nan, 0, 0, 0, 0])
    np.testing.assert_equal(of_b(blob, np.where(blob == 7, blob, void)), [1] * 5)


def test_counts_add_up_over_pictures_and_survive_json() -> None:
    pairs = np.random.default_rng(2).choice(np.array([0, 7, VOID], np.uint8), (3, 2, 10, 10))
    pictures = counts.stack([count(pair) for pair in pairs])
    pooled = counts.total(pictures)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(pooled, name), sum(getattr(count(pair), name) for pair in pairs))
    assert boundary.boundary_f1(pictures).shape == (3, 3, 4)
    assert boundary.mean_boundary_f1(pictures).shape == (3, 4)
    assert boundary.mean_boundary_iou(pictures).shape == (3,)
    assert boundary.mean_trimap_iou(pictures).shape == (3, 3)
    read = counts.from_plain(BoundaryCounts, json.loads(json.dumps(counts.to_plain(pictures))))
    equal(read, pictures)
    assert (read.tolerances, read.widths, read.band) == (
        ("1.5 px", "0 px", "12% of the diagonal", "3 px"),
        (2, 0, 1.5),
        "2% of the diagonal",
    )


def test_dtypes_and_memory_layouts_do_not_matter() -> None:
    pair = np.random.default_rng(3).choice(np.array([0, 7, 100, VOID], np.uint8), (2, 13, 17))
    expected = count(pair)
    equal(expected, boundary_counts(
        np.asfortranarray(pair[0].astype(np.uint16)), np.repeat(pair[1], 2, axis=1)[:, ::2], LABELS,
        tolerances=TOLERANCES, widths=WIDTHS,
    ))  # fmt: skip


@given(array_shapes(min_dims=2, max_dims=2, max_side=3), st.sampled_from([0, 7, VOID]))
def test_tiny_pictures_are_counted(size: tuple[int, int], label: int) -> None:
    found = boundary_counts(np.full(size, label, np.uint8), np.zeros(size, np.uint8), LABELS)
    assert not found.true.any()


def test_nothing_asked_for_is_nothing_counted() -> None:
    blob = np.eye(5, dtype=np.uint8) * np.uint8(7)
    found = boundary_counts(blob, blob, LABELS, tolerances=(), widths=())
    assert found.true_matched.shape == found.trimap_common.shape == (3, 0)
    assert boundary.boundary_iou(found)[1] == 1


def test_at_distances_beyond_the_picture_all_that_exists_matches() -> None:
    truth, predicted = np.zeros((2, 8, 30), np.uint8)
    truth[2, 2] = predicted[7, 29] = predicted[0, 0] = 7
    predicted[5, 20] = 100
    found = boundary_counts(truth, predicted, LABELS, tolerances=(Tolerance(1e300), Tolerance(28)), widths=(1e300, 50))
    np.testing.assert_array_equal(found.true_matched, [[4, 4], [1, 1], [0, 0]])
    np.testing.assert_array_equal(found.predicted_matched, [[8, 8], [2, 2], [0, 0]])
    np.testing.assert_array_equal(found.trimap_true, [[239, 239], [1, 1], [0, 0]])
    without = boundary_counts(predicted * np.uint8(0), predicted, LABELS, widths=(1e300,))
    assert not without.trimap_predicted.any()


@pytest.mark.parametrize(
    ("text", "tolerance", "rendered"),
    [
        ("2", Tolerance(2), "2 px"),
        ("2.5px", Tolerance(2.5), "2.5 px"),
        (" 0.75 % ", Tolerance(0.75, "%"), "0.75% of the diagonal"),
        ("1% of the diagonal", Tolerance(1, "%"), "1% of the diagonal"),
    ],
)
def test_tolerances_are_read_and_rendered(text: str, tolerance: Tolerance, rendered: str) -> None:
    assert Tolerance.parse(text) == tolerance == Tolerance.parse(str(tolerance))
    assert str(tolerance) == rendered


@given(st.floats(0, 1e30), st.sampled_from(["px", "%"]))
def test_every_tolerance_is_read_back(value: float, unit: str) -> None:
    tolerance = Tolerance(value, "px" if unit == "px" else "%")
    assert Tolerance.parse(str(tolerance)) == tolerance


def test_percent_are_of_the_diagonal() -> None:
    assert Tolerance(10, "%").pixels(30, 40) == pytest.approx(5)
    assert Tolerance(10).pixels(30, 40) == 10


@pytest.mark.parametrize("text", ["", "two", "-1", "1.2.3 px", "5 mm", "%", "nan"])
def test_a_text_that_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"no distance.*percent of the diagonal"):
        Tolerance.parse(text)


@pytest.mark.parametrize("value", [-1, math.inf, math.nan])
def test_a_distance_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(RecipeError, match=r"no distance.*Give a number ≥ 0"):
        Tolerance(value)
    with pytest.raises(RecipeError, match=r"widths 1, .* are not all distances.*≥ 0"):
        boundary_counts(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), LABELS, widths=(1, value))


def test_masks_that_cannot_be_compared_are_refused() -> None:
    mask = np.zeros((4, 4), np.uint8)
    with pytest.raises(ShapeError, match=r"street: the truth is 4×4 pixels and the prediction 5×4"):
        boundary_counts(mask, np.zeros((4, 5), np.uint8), LABELS, where="street")
    with pytest.raises(DataError, match="the prediction holds the id 3"):
        boundary_counts(mask, mask + np.uint8(3), LABELS)
