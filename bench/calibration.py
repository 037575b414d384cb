"""Time calibration and threshold figures beside torchmetrics, on one 2048×1024 picture with 19 classes.

Run ``python bench/calibration.py``. All programs take turns in every round of one run, so that a machine that slows
down slows all of them; every peer's figure is asserted to equal ours, within what torchmetrics loses by adding up
millions of pixels in float32. torch may use every core, ours runs on one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torchmetrics.classification import BinaryPrecisionRecallCurve, MulticlassCalibrationError

from intarsia.evaluate.confidence import summarize_confidence
from intarsia.metrics.calibration import CalibrationCounts, calibration_counts, expected_calibration_error
from intarsia.metrics.counts import array_fields, stack
from intarsia.metrics.thresholds import edges, outcomes, recall, threshold_counts
from intarsia.types import LabelMap

HEIGHT, WIDTH, CLASSES, VOID = 1024, 2048, 19, 255
PART = HEIGHT // 8
ROUNDS, PICTURES = 5, 500
LABELS = LabelMap(tuple(f"class {k}" for k in range(CLASSES)), ignore=VOID)


def main() -> None:
    rng = np.random.default_rng(0)
    truth, shares = picture(rng)
    print(f"{os.cpu_count()} cores; medians of {ROUNDS} rounds; {shares.size / 1e6:.0f} million pixel·classes\n")
    counts = calibration_counts(truth, shares, LABELS)
    compare("expected calibration error, 15 bins", shares.size, calibration_contestants(truth, shares))
    compare(
        "recall of one label at 256 thresholds, an eighth of the picture",
        PART * WIDTH,
        threshold_contestants(truth, shares),
    )
    time_summary(rng, counts)


def picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Smooth regions with some noise, a truth that often agrees, and a tenth of it void."""
    coarse = torch.from_numpy(4 * rng.standard_normal((1, CLASSES, 8, 16), dtype=np.float32))
    logits = torch.nn.functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bicubic")[0]
    logits += torch.from_numpy(rng.standard_normal(logits.shape, dtype=np.float32))
    noise = torch.from_numpy(2 * rng.standard_normal(logits.shape, dtype=np.float32))
    truth = (logits + noise).argmax(dim=0).numpy().astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = VOID
    return truth, logits.softmax(dim=0).numpy()


def calibration_contestants(truth: np.ndarray, shares: np.ndarray) -> Mapping[str, Callable[[], np.ndarray]]:
    preds, target = torch.from_numpy(shares)[None], torch.from_numpy(truth).long()[None]
    metric = MulticlassCalibrationError(CLASSES, n_bins=15, ignore_index=VOID)
    unchecked = MulticlassCalibrationError(CLASSES, n_bins=15, ignore_index=VOID, validate_args=False)

    def theirs(each: MulticlassCalibrationError) -> np.ndarray:
        each.reset()
        each.update(preds, target)
        return np.asarray(each.compute())

    return {
        "intarsia (and Brier, class-wise, …)": lambda: expected_calibration_error(
            calibration_counts(truth, shares, LABELS)
        ),
        "torchmetrics MulticlassCalibrationError": lambda: theirs(metric),
        "the same, validate_args=False": lambda: theirs(unchecked),
    }


def threshold_contestants(truth: np.ndarray, shares: np.ndarray) -> Mapping[str, Callable[[], np.ndarray]]:
    """One label of an eighth of the picture: torchmetrics takes minutes for the whole of it.

    For the 19 labels at once its MultilabelPrecisionRecallCurve asks for 80 GB.
    """
    of_label, scores = (truth[:PART] == 0)[None], shares[:1, :PART]
    preds, target = torch.from_numpy(scores[0]), torch.from_numpy(of_label[0]).long()
    offered = torch.from_numpy(edges(threshold_counts(of_label, scores))).float()
    metric = BinaryPrecisionRecallCurve(thresholds=offered)

    def theirs() -> np.ndarray:
        metric.reset()
        metric.update(preds, target)
        return np.asarray(metric.compute()[1])[:-1]  # the last point is added, not measured

    return {
        "intarsia": lambda: recall(outcomes(threshold_counts(of_label, scores)))[0],
        "torchmetrics BinaryPrecisionRecallCurve": theirs,
    }


def compare(name: str, scores: int, programs: Mapping[str, Callable[[], np.ndarray]]) -> None:
    print(name)
    expected = next(iter(programs.values()))()
    for program, run in programs.items():
        np.testing.assert_allclose(run(), expected, atol=1e-4, err_msg=program)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program, run in programs.items():
            start = time.perf_counter()
            run()
            times[program].append(time.perf_counter() - start)
    ours = next(iter(times.values()))
    for program, seconds in times.items():
        line = f"  {program:44}"
        for pick in (statistics.median, min):
            line += f" {pick(seconds) * 1e3:8.0f} ms {pick(seconds) / pick(ours):6.1f}×"
        print(line)
    print(f"  intarsia: {statistics.median(ours) * 1e9 / scores:.2f} ms a million pixel·classes\n")


def time_summary(rng: np.random.Generator, counts: CalibrationCounts) -> None:
    """Pictures that are copies of one, in various sizes: what the bootstrap costs depends on their number alone."""
    sizes = rng.integers(1, 10, PICTURES)
    copies = [
        CalibrationCounts(**{name: getattr(counts, name) * size for name in array_fields(counts)}) for size in sizes
    ]
    stacked, groups = stack(copies), [str(at) for at in range(PICTURES)]
    start = time.perf_counter()
    summarize_confidence(stacked, LABELS, groups, rng.random(PICTURES))
    seconds = time.perf_counter() - start
    print(f"{PICTURES} pictures × {CLASSES} classes, 10,000 resamples, every figure and curve: {seconds:.2f} s")


if __name__ == "__main__":
    main()
