"""Calibration figures: hand-worked answers, a literal reference, invariants, and agreement with torchmetrics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import counts as joint
from intarsia.metrics.calibration import (
    CalibrationCounts,
    brier_score,
    by_confidence,
    calibration_counts,
    class_shares,
    classwise_calibration_error,
    confidence_of,
    expected_calibration_error,
    maximum_calibration_error,
    negative_log_likelihood,
    picture_confidence,
    reliability,
    without_fine_bins,
)
from intarsia.types import LabelMap

VOID = 255
LABELS = LabelMap(("a", "b", "c"), ids=(0, 7, 9), ignore=VOID)
IDS = np.array(LABELS.ids, np.uint8)
FIGURES = (
    expected_calibration_error,
    maximum_calibration_error,
    brier_score,
    negative_log_likelihood,
    classwise_calibration_error,
    picture_confidence,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(torch.from_numpy(logits).softmax(dim=0).float())


@st.composite
def pictures(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Truth with void, and probabilities that know something of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    truth = rng.choice([*IDS, VOID], size=size).astype(np.uint8)
    logits = draw(st.floats(0.1, 5)) * rng.standard_normal((3, *size))
    logits += draw(st.floats(0, 3)) * (truth == IDS[:, None, None])
    return truth, softmax(logits)


def reference(truth: np.ndarray, probabilities: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """Every figure as its definition reads, one pixel at a time."""
    pixels = [
        (int(np.flatnonzero(truth[at] == IDS)[0]), probabilities[(slice(None), *at)].astype(np.float64))
        for at in np.ndindex(*truth.shape)
        if truth[at] != VOID
    ]
    edges = [*(np.arange(bins) / bins).astype(np.float32).astype(float), np.inf]

    def error(pairs: list[tuple[float, bool]]) -> list[tuple[int, float]]:
        """Of each bin that is not empty, its size and gap."""
        found = []
        for low, high in itertools.pairwise(edges):
            inside = [(share, hit) for share, hit in pairs if low <= share < high]
            if inside:
                gap = np.mean([hit for _, hit in inside]) - np.mean([share for share, _ in inside])
                found.append((len(inside), abs(float(gap))))
        return found

    top = error([(shares.max(), shares.argmax() == true) for true, shares in pixels])
    one_hot = np.eye(3)
    everywhere = [probabilities[(slice(None), *at)].astype(np.float64) for at in np.ndindex(*truth.shape)]
    of_predicted = [
        [shares.max() for shares in everywhere if shares.argmax() == k]
        for k in range(3)
        if any(shares.argmax() == k for shares in everywhere)
    ]
    return {
        "expected_calibration_error": np.array(sum(size * gap for size, gap in top) / len(pixels)),
        "maximum_calibration_error": np.array(max(gap for _, gap in top)),
        "brier_score": np.mean([((shares - one_hot[true]) ** 2).sum() for true, shares in pixels]),
        "negative_log_likelihood": np.mean([-np.log(max(shares[true], 2**-23)) for true, shares in pixels]),
        "classwise_calibration_error": np.array(
            [
                sum(size * gap for size, gap in error([(shares[k], true == k) for true, shares in pixels]))
                / len(pixels)
                for k in range(3)
            ]
        ),
        "picture_confidence": np.mean([np.mean(each) for each in of_predicted]),
    }


@given(pictures(), st.integers(1, 20))
def test_every_figure_is_what_its_definition_says(picture: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    counts = calibration_counts(*picture, LABELS, bins=bins)
    if (picture[0] == VOID).all():
        assert all(np.isnan(figure(counts)).all() for figure in FIGURES if figure is not picture_confidence)
        return
    expected = reference(*picture, bins)
    for figure in FIGURES:
        np.testing.assert_allclose(figure(counts), expected[figure.__name__], atol=2e-6, err_msg=figure.__name__)


def test_a_hand_worked_answer() -> None:
    # Four pixels, the last void. Confidences 0.75 (right), 0.75 (wrong), 0.5 (right).
    truth = np.array([[0, 7, 9, VOID]], np.uint8)
    shares = np.array([[0.75, 0.75, 0.25, 1], [0.25, 0.25, 0.25, 0], [0, 0, 0.5, 0]], np.float32)[:, None]
    counts = calibration_counts(truth, shares, LABELS, bins=2)
    # All three confidences lie in [0.5, 1]: accuracy 2/3, mean confidence 2/3.
    assert expected_calibration_error(counts) == pytest.approx(0)
    # With four bins: [0.5, 0.75) holds 0.5, right; [0.75, 1] holds 0.75 twice, once right.
    counts = calibration_counts(truth, shares, LABELS, bins=4)
    assert expected_calibration_error(counts) == pytest.approx((0.5 + 2 * 0.25) / 3)
    assert maximum_calibration_error(counts) == pytest.approx(0.5)
    found = reliability(counts)
    np.testing.assert_allclose(found.share, [0, 0, 1 / 3, 2 / 3])
    np.testing.assert_allclose(found.confidence, [np.nan, np.nan, 0.5, 0.75])
    np.testing.assert_allclose(found.accuracy, [np.nan, np.nan, 1, 0.5])
    assert brier_score(counts) == pytest.approx((2 * 0.25**2 + 2 * 0.75**2 + 2 * 0.25**2 + 0.5**2) / 3)
    assert negative_log_likelihood(counts) == pytest.approx(-np.log(0.75 * 0.25 * 0.5) / 3)
    # Class a: 0.75 twice, once true, and 0.25; class b: 0.25 three times, once true; class c: 0 twice and 0.5, true.
    np.testing.assert_allclose(classwise_calibration_error(counts), [(0.5 + 0.25) / 3, 0.25 / 3, 0.5 / 3])
    true, expected = class_shares(counts)
    np.testing.assert_allclose(true, [1 / 3] * 3)
    np.testing.assert_allclose(expected, [1.75 / 3, 0.75 / 3, 0.5 / 3])
    assert picture_confidence(counts) == pytest.approx(
        ((0.75 + 0.75 + 1) / 3 + 0.5) / 2
    )  # the mean of a's, void too, and c's
    pixels, wrong = by_confidence(counts)
    assert pixels.sum() == 3
    np.testing.assert_array_equal(pixels[pixels > 0], [2, 1])  # most confident first
    np.testing.assert_array_equal(wrong[pixels > 0], [1, 0])


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_agrees_with_torchmetrics(bins: int) -> None:
    rng = np.random.default_rng(bins)
    truth = rng.choice([0, 1, 2, 3, VOID], size=(60, 50)).astype(np.uint8)
    logits = 2 * rng.standard_normal((4, 60, 50)) + (truth == np.arange(4)[:, None, None])
    shares = softmax(logits)
    assert shares.max() < 1  # torchmetrics keeps a bin of its own for a confidence of exactly 1
    counts = calibration_counts(truth, shares, LabelMap(("a", "b", "c", "d"), ignore=VOID), bins=bins)
    preds, target = torch.from_numpy(shares)[None], torch.from_numpy(truth).long()[None]
    expected = MulticlassCalibrationError(4, n_bins=bins, norm="l1", ignore_index=VOID)(preds, target)
    assert expected_calibration_error(counts) == pytest.approx(float(expected), abs=2e-6)
    maximum = MulticlassCalibrationError(4, n_bins=bins, norm="max", ignore_index=VOID)(preds, target)
    assert maximum_calibration_error(counts) == pytest.approx(float(maximum), abs=2e-6)
    valid = torch.from_numpy(truth != VOID)
    for k, of_class in enumerate(classwise_calibration_error(counts)):
        theirs = BinaryCalibrationError(n_bins=bins)(preds[0, k][valid], (target[0] == k)[valid].long())
        assert of_class == pytest.approx(float(theirs), abs=2e-6)
    flat = preds[0].flatten(1).T[valid.flatten()], target[0][valid]
    loss = torch.nn.functional.nll_loss(flat[0].double().log(), flat[1])
    assert negative_log_likelihood(counts) == pytest.approx(float(loss), rel=1e-6)


@given(pictures(), st.integers(0, 2**32))
def test_void_influences_nothing_that_is_measured_against_the_truth(
    picture: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    truth, shares = picture
    other = np.where(truth == VOID, softmax(np.random.default_rng(seed).standard_normal(shares.shape)), shares)
    counts, others = (calibration_counts(truth, each, LABELS) for each in (shares, other))
    for name in set(joint.array_fields(counts)) - {"predicted_pixels", "predicted_confidence"}:
        np.testing.assert_array_equal(getattr(counts, name), getattr(others, name))


@given(st.lists(pictures(), min_size=2, max_size=4))
def test_counts_add_up_over_pictures(several: list[tuple[np.ndarray, np.ndarray]]) -> None:
    counts = [calibration_counts(*picture, LABELS) for picture in several]
    stacked = joint.stack(counts)
    flat = [(truth.reshape(1, -1), shares.reshape(3, 1, -1)) for truth, shares in several]
    truth, shares = (np.concatenate(parts, axis=-1) for parts in zip(*flat, strict=True))
    as_one, added = calibration_counts(truth, shares, LABELS), joint.total(stacked)
    again = joint.from_plain(CalibrationCounts, joint.to_plain(stacked))
    for name in joint.array_fields(as_one):
        np.testing.assert_allclose(getattr(added, name), getattr(as_one, name), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(getattr(again, name), getattr(stacked, name))
    for figure in FIGURES:  # of many at once as of each
        np.testing.assert_array_equal(figure(stacked), [figure(each) for each in counts])
        np.testing.assert_allclose(figure(without_fine_bins(stacked)), figure(stacked))


def test_memory_layout_and_dtype_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    shares = softmax(rng.standard_normal((3, 300, 130))).astype(np.float16)  # more than one piece
    truth = rng.choice([*IDS, VOID], size=(300, 130)).astype(np.uint8)
    expected = calibration_counts(truth, shares, LABELS)
    layouts: list[tuple[np.ndarray, np.ndarray]] = [
        (truth.astype(np.uint16), shares.astype(np.float32)),
        (np.asfortranarray(truth), np.asfortranarray(shares).astype(np.float64)),
        (truth.repeat(2, axis=1)[:, ::2], np.moveaxis(np.ascontiguousarray(np.moveaxis(shares, 0, 2)), 2, 0)),
    ]
    for other_truth, other_shares in layouts:
        counts = calibration_counts(other_truth, other_shares, LABELS)
        for name in joint.array_fields(counts):
            np.testing.assert_array_equal(getattr(counts, name), getattr(expected, name))


def test_a_confidence_of_one_lies_in_the_last_bin_and_edges_belong_to_the_bin_above() -> None:
    truth = np.zeros((1, 3), np.uint8)
    shares = np.array([[1, 0.7, 0.6], [0, 0.3, 0.4], [0, 0, 0]], np.float32)[:, None]
    found = reliability(calibration_counts(truth, shares, LABELS, bins=10)).share
    np.testing.assert_allclose(found, [0, 0, 0, 0, 0, 0, 1 / 3, 1 / 3, 0, 1 / 3])


def test_the_confidence_of_a_picture_needs_no_truth() -> None:
    shares = softmax(np.random.default_rng(1).standard_normal((3, 8, 9)))
    truth = np.random.default_rng(2).choice([*IDS, VOID], size=(8, 9)).astype(np.uint8)
    assert confidence_of(shares) == pytest.approx(float(picture_confidence(calibration_counts(truth, shares, LABELS))))
    with pytest.raises(ShapeError, match=r"float32 of shape \(3, 8\).*Give floats of shape \(classes, height, width\)"):
        confidence_of(shares[..., 0])


@pytest.mark.parametrize(
    ("value", "found"),
    [(-0.25, "go down to -0.25"), (np.nan, "are not finite"), (np.inf, "are not finite"), (0.5, "sum to 1.5")],
)
def test_what_are_no_probabilities_is_refused(value: float, found: str) -> None:
    shares = np.zeros((3, 200, 100), np.float32)
    shares[0] = 1
    shares[2, 170, 30] = value
    truth = np.zeros((200, 100), np.uint8)
    truth[170, 30] = VOID  # under void too
    message = f"a.png: the probabilities of the pixel in row 170, column 30 {found}. Give probabilities from 0 to 1"
    with pytest.raises(DataError) as error:
        calibration_counts(truth, shares, LABELS, where="a.png")
    assert str(error.value).startswith(message)


def test_what_does_not_fit_is_refused() -> None:
    truth, shares = np.zeros((4, 5), np.uint8), np.full((3, 4, 5), 1 / 3, np.float32)
    with pytest.raises(ShapeError, match=r"shape \(2, 4, 5\), where the truth and the class list ask for \(3, 4, 5\)"):
        calibration_counts(truth, shares[:2], LABELS)
    with pytest.raises(ShapeError, match="the truth is int64 of shape"):
        calibration_counts(truth.astype(np.int64), shares, LABELS)
    with pytest.raises(ShapeError, match="the probabilities are uint8 of shape"):
        calibration_counts(truth, shares.astype(np.uint8), LABELS)
    with pytest.raises(DataError, match="holds the id 3, but the classes are 0 a, 7 b, 9 c"):
        calibration_counts(truth + np.uint8(3), shares, LABELS)
