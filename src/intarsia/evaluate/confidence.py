"""Whether a model's probabilities can be believed, and what is gained by sending its doubtful pictures to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.coverage import Curve, Withheld, picture_curve, pixel_curve
from intarsia.evaluate.estimate import Estimate
from intarsia.evaluate.statistics import bootstrap_counts_interval
from intarsia.metrics import calibration
from intarsia.metrics.calibration import CalibrationCounts, Reliability
from intarsia.metrics.counts import total
from intarsia.metrics.undefined import or_none
from intarsia.types import LabelMap


@dataclass(frozen=True)
class ClassCalibration:
    """How well one class's own probability is calibrated, over all pixels.

    Args:
        id: its pixel value in mask files.
        name: its name.
        ece: its calibration error; small for a rare class whatever the model does.
        true_share: the share of the pixels that are of the class.
        expected_share: the share that the probabilities expect: above ``true_share`` the class is overestimated.
    """

    id: int
    name: str
    ece: Estimate
    true_share: float
    expected_share: float

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        shares = {"true_share": or_none(self.true_share), "expected_share": or_none(self.expected_share)}
        return {"id": self.id, "name": self.name, **self.ece.to_dict(), **shares}


@dataclass(frozen=True, eq=False)
class Confidence:
    """What is known of a model's probabilities.

    Args:
        ece: expected calibration error, over all pixels of the data set.
        mce: maximum calibration error.
        brier: Brier score, summed over classes, in [0, 2].
        nll: negative log-likelihood, at least 0.
        classes: the calibration of each class, in the order of the label map.
        reliability: by bins of confidence.
        pictures: risk over coverage of whole pictures; the loss of a picture is 1 − its mean IoU.
        withheld: what sending the least confident pictures changes; None with fewer than two pictures.
        pixels: risk over coverage of pixels; the loss of a pixel is 1 where it is wrong, so 1 − risk is the pixel
            accuracy. Without intervals.
    """

    ece: Estimate
    mce: Estimate
    brier: Estimate
    nll: Estimate
    classes: tuple[ClassCalibration, ...]
    reliability: Reliability
    pictures: Curve
    withheld: Withheld | None
    pixels: Curve

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold: null for what is undefined."""
        withheld = self.withheld
        return {
            "ece": self.ece.to_dict(),
            "mce": self.mce.to_dict(),
            "brier": self.brier.to_dict(),
            "nll": self.nll.to_dict(),
            "classwise_ece": [entry.to_dict() for entry in self.classes],
            "reliability": _reliability_rows(self.reliability),
            "risk_coverage": {
                **self.pictures.to_dict(),
                "withheld": None if withheld is None else withheld.to_dict(),
                "sentence": "Fewer than two pictures: none can be sent to a person."
                if withheld is None
                else withheld.sentence(),
            },
            "pixel_risk_coverage": self.pixels.to_dict(),
        }


def summarize_confidence(
    counts: CalibrationCounts,
    label_map: LabelMap,
    groups: Sequence[str],
    mean_iou: Float64[np.ndarray, "images"],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Confidence:
    """Compute every figure with its 95% interval from what was counted of each picture.

    Args:
        counts: of all pictures, stacked (:func:`intarsia.metrics.counts.stack`).
        label_map: the classes.
        groups: what each picture belongs to; the intervals are drawn by group.
        mean_iou: each picture's own mean IoU; pictures where it is NaN are not in the curve of pictures.
        resamples: of the bootstrap; see :func:`~intarsia.evaluate.statistics.bootstrap_counts_interval`.
        seed: of the bootstrap.
    """
    smaller = calibration.without_fine_bins(counts)
    bounds = bootstrap_counts_interval(smaller, groups, _figures, resamples=resamples, seed=seed)
    whole = total(counts)
    ece, mce, brier, nll, *of_classes = map(Estimate, *(_figures(whole).tolist(), *(each.tolist() for each in bounds)))
    shares = zip(*(each.tolist() for each in calibration.class_shares(whole)), strict=True)
    confidence = calibration.picture_confidence(counts)
    pictures, withheld = picture_curve(confidence, mean_iou, groups, resamples=resamples, seed=seed)
    return Confidence(
        ece=ece,
        mce=mce,
        brier=brier,
        nll=nll,
        classes=tuple(
            ClassCalibration(id_, name, estimate, *of_class)
            for id_, name, estimate, of_class in zip(label_map.ids, label_map.names, of_classes, shares, strict=True)
        ),
        reliability=calibration.reliability(whole),
        pictures=pictures,
        withheld=withheld,
        pixels=pixel_curve(*calibration.by_confidence(whole)),
    )


def _figures(counts: CalibrationCounts) -> Float64[np.ndarray, "*batch figures"]:
    """Four figures of the whole and then one a class, so that one draw of the bootstrap serves them all."""
    whole = (
        calibration.expected_calibration_error(counts),
        calibration.maximum_calibration_error(counts),
        calibration.brier_score(counts),
        calibration.negative_log_likelihood(counts),
    )
    return np.concatenate([np.stack(whole, axis=-1), calibration.classwise_calibration_error(counts)], axis=-1)


def _reliability_rows(bins: Reliability) -> list[dict[str, float | None]]:
    count = len(bins.share)
    return [
        {
            "low": at / count,
            "high": (at + 1) / count,
            "share": or_none(float(bins.share[at])),
            "confidence": or_none(float(bins.confidence[at])),
            "accuracy": or_none(float(bins.accuracy[at])),
        }
        for at in range(count)
    ]
