"""Confidence figures of a whole data set, their intervals, and what they say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from intarsia.evaluate.confidence import Confidence, summarize_confidence
from intarsia.evaluate.coverage import picture_curve, pixel_curve
from intarsia.metrics import confusion_matrix, mean_iou
from intarsia.metrics.calibration import CalibrationCounts, brier_score, calibration_counts, expected_calibration_error
from intarsia.metrics.counts import stack, total
from intarsia.types import LabelMap

LABELS = LabelMap(("a", "b", "c"), ignore=255)


def made_up(pictures: int, sharpness: float = 1.0) -> tuple[CalibrationCounts, np.ndarray]:
    """Pictures that are harder one by one, with truths drawn from the very probabilities that are predicted."""
    rng = np.random.default_rng(0)
    counted, scores = [], []
    for picture in range(pictures):
        logits = 4 * rng.standard_normal((3, 16, 16)) / (1 + picture / pictures * 3)
        shares = np.exp(logits) / np.exp(logits).sum(axis=0)
        truth = (rng.random((16, 16)) > shares.cumsum(axis=0)).sum(axis=0).clip(0, 2).astype(np.uint8)
        truth[:2] = 255
        shares **= sharpness
        shares = (shares / shares.sum(axis=0)).astype(np.float32)
        counted.append(calibration_counts(truth, shares, LABELS))
        scores.append(float(mean_iou(confusion_matrix(truth, shares.argmax(axis=0).astype(np.uint8), LABELS))))
    return stack(counted), np.array(scores)


def summary(pictures: int = 40, sharpness: float = 1.0, per_group: int = 1) -> Confidence:
    counts, scores = made_up(pictures, sharpness)
    groups = [f"group {at // per_group}" for at in range(pictures)]
    return summarize_confidence(counts, LABELS, groups, scores, resamples=500)


def test_figures_are_those_of_the_pooled_counts_with_intervals_around_them() -> None:
    counts, _ = made_up(40)
    found = summary()
    assert found.ece.value == pytest.approx(float(expected_calibration_error(total(counts))))
    assert found.brier.value == pytest.approx(float(brier_score(total(counts))))
    for estimate in (found.brier, found.nll, found.pictures.aurc):
        assert estimate.low < estimate.value < estimate.high
    assert found.classes[1].name == "b"
    assert sum(entry.true_share for entry in found.classes) == pytest.approx(1)
    assert sum(entry.expected_share for entry in found.classes) == pytest.approx(1)


def test_probabilities_that_are_right_are_found_so_and_overconfident_ones_not() -> None:
    right, sharp = summary(), summary(sharpness=3.0)
    assert right.ece.value < 0.03
    assert sharp.ece.low > 0.1
    assert sharp.nll.low > right.nll.high
    np.testing.assert_allclose(right.pixels.risk, sharp.pixels.risk, atol=0.05)  # the order hardly changes


def test_the_least_confident_pictures_are_the_bad_ones_here() -> None:
    found = summary()
    assert found.withheld is not None
    assert (found.withheld.pictures, found.withheld.of) == (4, 40)
    assert found.withheld.gain.low > 0
    assert found.withheld.after <= found.withheld.best
    assert 0 < found.pictures.excess.value < found.pictures.random - found.pictures.aurc.value
    assert found.withheld.sentence().startswith(
        "Sending the 4 least confident of 40 pictures (10%) to a person raises the mean IoU per image of the rest from"
        f" {found.withheld.before:.3f} to {found.withheld.after:.3f} (a gain of"
    )


def test_the_dictionary_is_plain_and_whole() -> None:
    content = json.loads(json.dumps(summary().to_dict(), allow_nan=False))
    assert set(content["ece"]) == set(content["brier"]) == {"value", "low", "high"}
    assert [set(entry) for entry in content["classwise_ece"]] == [
        {"id", "name", "value", "low", "high", "true_share", "expected_share"}
    ] * 3
    assert len(content["reliability"]) == 15
    first, last = content["reliability"][0], content["reliability"][-1]
    assert first == {"low": 0.0, "high": pytest.approx(1 / 15), "share": 0.0, "confidence": None, "accuracy": None}
    assert 0.9 < last["accuracy"] <= last["high"] == 1
    for curve in (content["risk_coverage"], content["pixel_risk_coverage"]):
        assert len(curve["coverage"]) == len(curve["risk"]) == len(curve["ideal"])
        assert curve["coverage"][-1] == 1
        assert curve["risk"][-1] == pytest.approx(curve["random"])
        assert curve["ideal"][-1] == pytest.approx(curve["random"])
        assert all(ideal <= risk + 1e-12 for ideal, risk in zip(curve["ideal"], curve["risk"], strict=True))
    assert content["risk_coverage"]["sentence"].startswith("Sending the 4 least confident of 40")
    assert content["risk_coverage"]["withheld"]["gain"]["low"] > 0


def test_a_curve_follows_the_literal_definition() -> None:
    rng = np.random.default_rng(3)
    confidence, scores = rng.random(30), rng.random(30)
    curve, withheld = picture_curve(confidence, scores, [str(at) for at in range(30)], resamples=50)
    losses = 1 - scores[np.argsort(-confidence)]
    risks = losses.cumsum() / np.arange(1, 31)
    np.testing.assert_allclose(curve.coverage, np.arange(1, 31) / 30)
    np.testing.assert_allclose(curve.risk, risks)
    assert curve.aurc.value == pytest.approx(risks.mean())
    ideal = np.sort(losses).cumsum() / np.arange(1, 31)
    np.testing.assert_allclose(curve.ideal, ideal)
    assert curve.excess.value == pytest.approx(risks.mean() - ideal.mean())
    assert withheld is not None
    assert withheld.after == pytest.approx(1 - risks[26])
    assert withheld.best == pytest.approx(1 - ideal[26])
    assert withheld.before + withheld.gain.value == pytest.approx(withheld.after)
    assert (confidence < withheld.confidence_below).sum() == withheld.pictures == 3


def test_the_order_of_the_pictures_and_ties_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    confidence, scores = rng.choice([0.5, 0.6, 0.7], 20), rng.random(20)
    groups = np.array([f"patient {at // 3}" for at in range(20)])
    one, _ = picture_curve(confidence, scores, list(groups), resamples=200)
    order = rng.permutation(20)
    other, _ = picture_curve(confidence[order], scores[order], list(groups[order]), resamples=200)
    np.testing.assert_allclose(one.risk, other.risk)
    for here, there in ((one.aurc, other.aurc), (one.excess, other.excess)):
        np.testing.assert_allclose([here.value, here.low, here.high], [there.value, there.low, there.high])


def test_confidence_that_finds_nothing_is_said_to() -> None:
    scores = np.linspace(0.2, 0.9, 20)
    groups = [str(at) for at in range(20)]
    _, withheld = picture_curve(1 - scores, scores, groups, resamples=100)
    assert withheld is not None
    assert "does not help: it takes the mean IoU per image of the rest from 0.550 to 0.513" in withheld.sentence()
    _, by_luck = picture_curve(np.arange(20.0), np.where(np.arange(20) == 0, 0.4, 0.5), groups, resamples=500)
    assert by_luck is not None
    assert "which may be chance: the 95% interval of the gain includes 0" in by_luck.sentence()


def test_a_single_group_has_no_interval_and_a_single_picture_no_sentence() -> None:
    found = summary(pictures=6, per_group=6)
    assert math.isnan(found.ece.low)
    assert found.withheld is not None
    assert "no interval: a single group" in found.withheld.sentence()
    content = summary(pictures=1).to_dict()["risk_coverage"]
    assert content["withheld"] is None
    assert content["coverage"] == [1.0]
    assert content["sentence"] == "Fewer than two pictures: none can be sent to a person."


def test_pictures_without_a_score_are_in_no_curve_and_void_alone_has_no_figure() -> None:
    counts, scores = made_up(5)
    scores[2] = math.nan
    found = summarize_confidence(counts, LABELS, list("abcde"), scores, resamples=50)
    assert found.withheld is not None
    assert found.withheld.of == 4
    without, _ = picture_curve(np.array([0.3, np.nan, 0.5]), np.array([0.1, 0.2, 0.3]), list("abc"), resamples=50)
    assert without.random == pytest.approx(0.8)
    shares = np.full((3, 2, 2), 1 / 3, np.float32)
    void = stack([calibration_counts(np.full((2, 2), 255, np.uint8), shares, LABELS)] * 2)
    content = summarize_confidence(void, LABELS, ["a", "b"], np.full(2, np.nan), resamples=50).to_dict()
    json.dumps(content, allow_nan=False)
    assert content["ece"] == {"value": None, "low": None, "high": None}
    assert content["risk_coverage"]["coverage"] == content["pixel_risk_coverage"]["coverage"] == []


def test_pixels_are_ordered_by_their_bins() -> None:
    curve = pixel_curve(np.array([60, 40]), np.array([6, 14]))
    assert curve.random == pytest.approx(0.2)
    assert curve.risk[59] == pytest.approx(0.1)  # of the sixty most confident, six are wrong
    np.testing.assert_allclose(curve.ideal[:80], 0, atol=1e-12)
    assert curve.ideal[-1] == pytest.approx(0.2)
