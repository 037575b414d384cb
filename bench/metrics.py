"""Time the confusion counts beside torchmetrics, segmentation_models_pytorch and numpy on one 2048×1024, 19-class pair.

Run ``python bench/metrics.py``. All programs take turns in every round of one run, so that a machine that slows down
slows all of them; every peer's counts are asserted to equal ours. Each peer gets its input as it likes it best,
converted outside the clock; torch may use every core, ours runs on one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping

import numpy as np
import segmentation_models_pytorch as smp
import torch
from torchmetrics.classification import MulticlassJaccardIndex

from intarsia.metrics import confusion_matrix
from intarsia.types import LabelMap

HEIGHT, WIDTH, CLASSES, VOID = 1024, 2048, 19, 255
ROUNDS = 41
LABELS = LabelMap(tuple(f"class {k}" for k in range(CLASSES)), ignore=VOID)
Pair = tuple[np.ndarray, np.ndarray]

FIRST_CALL = """
import time, numpy as np
from intarsia.metrics import confusion_matrix
from intarsia.types import LabelMap
mask, labels = np.zeros((64, 64), np.uint8), LabelMap(("a",))
start = time.perf_counter()
confusion_matrix(mask, mask, labels)
print(time.perf_counter() - start)
"""


def main() -> None:
    rng = np.random.default_rng(0)
    bandwidth = read_bandwidth()
    print(f"{os.cpu_count()} cores; one core reads {bandwidth / 1e9:.1f} GB/s; medians of {ROUNDS} rounds\n")
    for name, pair in (
        ("independent random labels", random_labels(rng)),
        ("independent random labels, 10% void", with_void(random_labels(rng), rng)),
        ("regions as in street scenes, void border", regions(rng)),
    ):
        compare(name, pair, bandwidth)
    with tempfile.TemporaryDirectory() as cache:
        for what in ("compiling", "from the disk cache"):
            print(f"first call in a process, {what}: {first_call(cache):.2f} s")


def compare(name: str, pair: Pair, bandwidth: float) -> None:
    truth, predicted = pair
    run = 1 / np.mean(np.diff(truth, axis=1) != 0)
    print(f"{name} ({np.mean(truth == predicted):.0%} of pixels equal, mean run {run:.0f} pixels)")
    programs = contestants(truth, predicted)
    expected = programs["intarsia"]()
    for program, run in programs.items():
        np.testing.assert_array_equal(run(), expected, err_msg=program)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program, run in programs.items():
            start = time.perf_counter()
            run()
            times[program].append(time.perf_counter() - start)
    print_table(times)
    rate = (truth.nbytes + predicted.nbytes) / statistics.median(times["intarsia"])
    print(f"  intarsia reads {rate / 1e9:.1f} GB/s, {rate / bandwidth:.0%} of one core's read bandwidth\n")


def contestants(truth: np.ndarray, predicted: np.ndarray) -> Mapping[str, Callable[[], np.ndarray]]:
    """Each program from two masks to hits, false positives and misses per class, and, where it has one, its IoU."""
    narrow = torch.from_numpy(predicted), torch.from_numpy(truth)  # the dtype torchmetrics is fastest with
    wide = narrow[0].long()[None], narrow[1].long()[None]  # the dtype smp asks for

    def ours() -> np.ndarray:
        return stats_of(confusion_matrix(truth, predicted, LABELS)[:CLASSES, :CLASSES])

    def torchmetrics(metric: MulticlassJaccardIndex) -> np.ndarray:
        metric.reset()
        metric.update(*narrow)
        metric.compute()
        return stats_of(metric.confmat.numpy())

    def smp_get_stats() -> np.ndarray:
        tp, fp, fn, _ = smp.metrics.get_stats(*wide, mode="multiclass", num_classes=CLASSES, ignore_index=VOID)
        return torch.cat([tp, fp, fn]).numpy()

    def numpy_bincount() -> np.ndarray:
        # Void, 255, only adds rows below, because these predictions hold none: numpy's table stays small and fast.
        joint = np.bincount(truth.ravel().astype(np.intp) * CLASSES + predicted.ravel(), minlength=256 * CLASSES)
        return stats_of(joint.reshape(256, CLASSES)[:CLASSES])

    jaccard = MulticlassJaccardIndex(CLASSES, average="none", ignore_index=VOID)
    unchecked = MulticlassJaccardIndex(CLASSES, average="none", ignore_index=VOID, validate_args=False)
    return {
        "intarsia": ours,
        "torchmetrics MulticlassJaccardIndex": lambda: torchmetrics(jaccard),
        "the same, validate_args=False": lambda: torchmetrics(unchecked),
        "smp get_stats": smp_get_stats,
        "numpy.bincount": numpy_bincount,
    }


def stats_of(confusion: np.ndarray) -> np.ndarray:
    hits = np.diag(confusion)
    return np.stack([hits, confusion.sum(axis=0) - hits, confusion.sum(axis=1) - hits])


def print_table(times: Mapping[str, list[float]]) -> None:
    """Medians, and the best round of each: where other processes run too, they inflate the medians of slow programs."""
    print(f"  {'':36} {'median':>10} {'ratio':>8} {'best':>12} {'ratio':>8}")
    for program, seconds in times.items():
        line = f"  {program:36}"
        for pick in (statistics.median, min):
            line += f" {pick(seconds) * 1e3:8.3f} ms {pick(seconds) / pick(times['intarsia']):7.1f}×  "
        print(line.rstrip())


def random_labels(rng: np.random.Generator) -> Pair:
    truth, predicted = (rng.integers(0, CLASSES, (HEIGHT, WIDTH), dtype=np.uint8) for _ in range(2))
    return truth, predicted


def with_void(pair: Pair, rng: np.random.Generator) -> Pair:
    truth, predicted = pair
    return np.where(rng.random(truth.shape) < 0.1, VOID, truth).astype(np.uint8), predicted


def regions(rng: np.random.Generator) -> Pair:
    """Smooth regions; the prediction's borders are displaced and some regions are wrong.

    CamVid's street scenes, enlarged to this size, have runs of 220 pixels; here they are shorter, which is harder.
    """
    fields = rng.standard_normal((CLASSES, 5, 10))
    errors = 0.1 * rng.standard_normal(fields.shape)
    truth, predicted = (enlarged(each).argmax(axis=0).astype(np.uint8) for each in (fields, fields + errors))
    truth[:8] = truth[-100:] = truth[:, :8] = truth[:, -8:] = VOID
    return truth, predicted


def enlarged(fields: np.ndarray) -> np.ndarray:
    size = (HEIGHT, WIDTH)
    return torch.nn.functional.interpolate(torch.from_numpy(fields)[None], size=size, mode="bicubic")[0].numpy()


def read_bandwidth() -> float:
    """Bytes a second of the fastest single-core pass over memory: the maximum of 256 MiB."""
    block = np.ones(2**28, np.uint8)
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        block.max()
        seconds.append(time.perf_counter() - start)
    return block.nbytes / statistics.median(seconds)


def first_call(cache: str) -> float:
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    output = subprocess.run([sys.executable, "-c", FIRST_CALL], env=environment, capture_output=True, check=True)
    return float(output.stdout)


if __name__ == "__main__":
    main()
