"""Whether probabilities mean what they say, and how sure of a picture a model is.

The *confidence* of a pixel is the probability of its most probable class (the first of equals), which is what it is
predicted as. A pixel whose truth is void counts nowhere. A figure over no pixel at all is undefined: NaN.

- Expected and maximum calibration error, reliability curve: Guo et al., On Calibration of Modern Neural Networks,
  ICML 2017, section 2, over bins of equal width. A bin holds the confidences from its lower edge up to its upper one,
  the last also 1.
- Calibration error of each class: Kull et al., Beyond temperature scaling, NeurIPS 2019, section 2.
- Brier score: Brier, Verification of forecasts expressed in terms of probability, 1950: the sum over *all* classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int16, Int64, Shaped

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import probability_kernels as kernels
from intarsia.metrics.pairs import check_mask
from intarsia.metrics.undefined import mean_of_defined, ratio
from intarsia.types import LabelMap

_FINE = 64  # fine bins of confidence in each bin, for coverage curves: 960 of the usual 15
_PIECE = 2**14  # pixels that are counted at once, small enough for a processor's cache

_PerFineBin = Int64[np.ndarray, "*batch fine"] | Float64[np.ndarray, "*batch fine"]
_PerClass = Int64[np.ndarray, "*batch classes"] | Float64[np.ndarray, "*batch classes"]


@dataclass(frozen=True, eq=False)
class CalibrationCounts:
    """The binned probabilities of one picture, or of many along the leading axes; additive over pictures.

    Args:
        right: pixels [..., F] predicted right, by fine bins of their confidence; F is a multiple of B.
        wrong: pixels [..., F] predicted wrong, by the same bins.
        confidence: sum of the confidences [..., B] in each bin.
        class_probability: sum over all pixels of each class's probability [..., K, B], by bins of that probability.
        class_true: pixels [..., K, B] of each true class, by the same bins.
        predicted_pixels: pixels [..., K] predicted as each class, void truth included: what a picture's confidence is
            made of must not need the truth.
        predicted_confidence: sum of their confidences [..., K].
        squared_error: sum [..., K] of the squared errors of all probabilities of a pixel, by its true class.
        log_loss: sum [..., K] of −log of the true class's probability, by the true class.
    """

    right: _PerFineBin
    wrong: _PerFineBin
    confidence: Float64[np.ndarray, "*batch bins"]
    class_probability: Float64[np.ndarray, "*batch classes bins"]
    class_true: Int64[np.ndarray, "*batch classes bins"] | Float64[np.ndarray, "*batch classes bins"]
    predicted_pixels: _PerClass
    predicted_confidence: Float64[np.ndarray, "*batch classes"]
    squared_error: Float64[np.ndarray, "*batch classes"]
    log_loss: Float64[np.ndarray, "*batch classes"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """What a reliability diagram shows, by bins of confidence [..., B] of equal width; NaN in a bin without pixels.

    Args:
        share: of the pixels that fall into the bin, in [0, 1].
        confidence: their mean confidence.
        accuracy: the share of them that are right.
    """

    share: Float64[np.ndarray, "*batch bins"]
    confidence: Float64[np.ndarray, "*batch bins"]
    accuracy: Float64[np.ndarray, "*batch bins"]


def calibration_counts(
    truth: Shaped[np.ndarray, "*truth_size"],
    probabilities: Shaped[np.ndarray, "*probabilities_size"],
    label_map: LabelMap,
    *,
    bins: int = 15,
    where: str | Path = "mask",
) -> CalibrationCounts:
    """Count how often probabilities come true.

    Args:
        truth: class ids, uint8 or uint16 [H, W].
        probabilities: floats [K, H, W] in the order of ``label_map``, as
            :class:`~intarsia.types.SemanticMap` gives them; sorted into bins as float32, whatever their dtype.
        label_map: what the ids mean; K classes.
        bins: B, over [0, 1].
        where: what to call the picture in an error, its file for instance.

    Raises:
        ShapeError: arrays whose shapes or dtypes do not fit.
        DataError: an id that is neither a class nor the ignore id; probabilities that are negative, not finite, or do
            not sum to 1 (± 0.001) at every pixel, void ones included.
    """
    _check_probabilities(probabilities, where)
    _check_pair(truth, probabilities, label_map, where)
    indices = label_map.ids_to_indices(truth, where)
    return _count(indices, probabilities, bins, where)


def expected_calibration_error(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch"]:
    """ECE: the mean over pixels of |accuracy − mean confidence| of the pixel's bin, in [0, 1]."""
    right, wrong = _by_bin(counts)
    return ratio(np.abs(right - counts.confidence).sum(axis=-1), (right + wrong).sum(axis=-1))


def maximum_calibration_error(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch"]:
    """MCE: the largest |accuracy − mean confidence| of any bin that holds a pixel, in [0, 1]."""
    right, wrong = _by_bin(counts)
    gaps = ratio(np.abs(right - counts.confidence), right + wrong)
    return np.where(np.isnan(gaps).all(axis=-1), np.nan, np.where(np.isnan(gaps), 0, gaps).max(axis=-1))


def reliability(counts: CalibrationCounts) -> Reliability:
    """Share of pixels, mean confidence and accuracy of each bin of confidence."""
    right, wrong = _by_bin(counts)
    pixels = right + wrong
    share = ratio(pixels, pixels.sum(axis=-1, keepdims=True))
    return Reliability(share, ratio(counts.confidence, pixels), ratio(right, pixels))


def brier_score(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch"]:
    """The mean over pixels of Σₖ (pₖ − yₖ)² over all K classes, in [0, 2].

    For two classes many programs report the squared error of one of them alone, which is half of this.
    """
    return ratio(counts.squared_error.sum(axis=-1), _pixels(counts))


def negative_log_likelihood(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch"]:
    """The mean over pixels of −log of the true class's probability (cross-entropy), at most 15.9 a pixel."""
    return ratio(counts.log_loss.sum(axis=-1), _pixels(counts))


def classwise_calibration_error(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch classes"]:
    """The calibration error of each class's own probability, true or not, over all pixels; in [0, 1].

    A rare class has a small one whatever the model does; read it beside :func:`class_shares`.
    """
    gaps = np.abs(counts.class_true - counts.class_probability).sum(axis=-1)
    return ratio(gaps, _pixels(counts)[..., None])


def class_shares(
    counts: CalibrationCounts,
) -> tuple[Float64[np.ndarray, "*batch classes"], Float64[np.ndarray, "*batch classes"]]:
    """The share of the pixels that each class has in the truth, and the one the probabilities expect (their mean)."""
    true, expected = counts.class_true.sum(axis=-1), counts.class_probability.sum(axis=-1)
    pixels = _pixels(counts)[..., None]
    return ratio(true, pixels), ratio(expected, pixels)


def picture_confidence(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch"]:
    """How sure the model is of a picture, in [0, 1]: the mean over predicted classes of their pixels' mean confidence.

    Every predicted class weighs the same, as in a picture's mean IoU. The plain mean over pixels, which the background
    rules, orders pictures worse; see docs/explanation/calibration.md. It uses no truth, so pixels whose truth is void
    take part: a limit chosen by it then means the same on new pictures.
    """
    return mean_of_defined(ratio(counts.predicted_confidence, counts.predicted_pixels), axis=-1)


def confidence_of(probabilities: Shaped[np.ndarray, "*size"], where: str | Path = "probabilities") -> float:
    """:func:`picture_confidence` of a picture without truth, from the probabilities [K, H, W] of all its pixels.

    Raises:
        ShapeError: not floats [K, H, W].
        DataError: as :func:`calibration_counts`.
    """
    _check_probabilities(probabilities, where)
    anything = np.zeros(probabilities.shape[1:], np.int16)  # the confidence does not depend on the truth
    return float(picture_confidence(_count(anything, probabilities, 1, where)))


def by_confidence(counts: CalibrationCounts) -> tuple[_PerFineBin, _PerFineBin]:
    """Pixels and wrong pixels in fine bins, most confident first: what :mod:`~intarsia.metrics.selective` takes."""
    return (counts.right + counts.wrong)[..., ::-1], counts.wrong[..., ::-1]


def without_fine_bins(counts: CalibrationCounts) -> CalibrationCounts:
    """The same counts with F = B, several times smaller; every figure but :func:`by_confidence` stays as it is."""
    right, wrong = _by_bin(counts)
    return replace(counts, right=right, wrong=wrong)


def _count(
    indices: Int16[np.ndarray, "height width"],
    probabilities: Shaped[np.ndarray, "classes height width"],
    bins: int,
    where: str | Path,
) -> CalibrationCounts:
    classes = len(probabilities)
    edges, fine_edges = kernels.bin_edges(bins), kernels.bin_edges(bins * _FINE)
    right, wrong = np.zeros((2, bins * _FINE), np.int64)
    confidence = np.zeros(bins)
    class_probability, class_true = np.zeros((classes, bins)), np.zeros((classes, bins), np.int64)
    predicted_pixels = np.zeros(classes, np.int64)
    predicted_confidence, squared_error, log_loss = np.zeros((3, classes))
    of_pixels = (right, wrong, confidence, predicted_pixels, predicted_confidence, squared_error, log_loss)
    for top, truth, shares in _pieces(indices, probabilities):
        invalid = kernels.count_top(truth, shares, fine_edges, *of_pixels)
        if invalid >= 0:
            raise _no_probabilities(shares[:, invalid], top * indices.shape[1] + invalid, indices.shape[1], where)
        kernels.count_classes(truth, shares, edges, class_probability, class_true)
    return CalibrationCounts(
        right,
        wrong,
        confidence,
        class_probability,
        class_true,
        predicted_pixels,
        predicted_confidence,
        squared_error,
        log_loss,
    )


def _pieces(
    indices: Int16[np.ndarray, "height width"], probabilities: Shaped[np.ndarray, "classes height width"]
) -> Iterator[tuple[int, Int16[np.ndarray, "pixels"], Float32[np.ndarray, "classes pixels"]]]:
    """A few rows at a time: the number of the first, true classes and float32 probabilities, both contiguous."""
    height, width = indices.shape
    rows = max(1, _PIECE // max(1, width))
    for top in range(0, height, rows):
        part = slice(top, top + rows)
        shares = np.ascontiguousarray(probabilities[:, part], np.float32)
        yield top, np.ascontiguousarray(indices[part]).reshape(-1), shares.reshape(len(shares), -1)


def _by_bin(counts: CalibrationCounts) -> tuple[np.ndarray, np.ndarray]:
    shape = (*counts.confidence.shape, -1)
    return counts.right.reshape(shape).sum(axis=-1), counts.wrong.reshape(shape).sum(axis=-1)


def _pixels(counts: CalibrationCounts) -> np.ndarray:
    return np.asarray(counts.right.sum(axis=-1) + counts.wrong.sum(axis=-1))


def _check_probabilities(probabilities: Shaped[np.ndarray, "*size"], where: str | Path) -> None:
    if probabilities.ndim != 3 or probabilities.dtype.kind != "f":
        raise ShapeError(
            f"the probabilities are {probabilities.dtype} of shape {probabilities.shape}",
            where=where,
            remedy="Give floats of shape (classes, height, width)",
        )


def _check_pair(
    truth: Shaped[np.ndarray, "*truth_size"],
    probabilities: Shaped[np.ndarray, "classes height width"],
    label_map: LabelMap,
    where: str | Path,
) -> None:
    check_mask("truth", truth, where)
    wanted = (label_map.num_classes, *truth.shape)
    if probabilities.shape != wanted:
        raise ShapeError(
            f"the probabilities have the shape {probabilities.shape}, where the truth and the class list ask for"
            f" {wanted}",
            where=where,
            remedy="Give one probability a class and pixel, at the picture's own size and in the order of the class"
            " list",
        )


def _no_probabilities(shares: np.ndarray, position: int, width: int, where: str | Path) -> DataError:
    if not np.isfinite(shares).all():
        found = "are not finite"
    elif shares.min() < 0:
        found = f"go down to {shares.min():.3g}"
    else:
        found = f"sum to {shares.sum():.4g}"
    return DataError(
        f"the probabilities of the pixel in row {position // width}, column {position % width} {found}",
        where=where,
        remedy="Give probabilities from 0 to 1 that sum to 1 over the classes, such as the softmax of logits",
    )
