"""Time Boundary F1 beside MONAI and torchmetrics on one 2048×1024, 19-class pair, then all boundary counts.

Run ``python bench/boundary.py``. All programs take turns in every round, and every peer's number of matched boundary
pixels of every class is asserted to equal ours. Ours runs on one core; torch may use every core. MONAI and torchmetrics
get one Boolean mask a class, made outside the clock; ours starts from the two masks of ids. They match at one tolerance
a call, ours at all five.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import torch
from monai.metrics import SurfaceDiceMetric
from monai.metrics.utils import get_edge_surface_distance
from torchmetrics.functional.segmentation.utils import distance_transform, mask_edges

from intarsia.metrics.boundary import DEFAULT_TOLERANCES, BoundaryCounts, Tolerance, boundary_counts
from intarsia.metrics.boundary_kernels import count_matched, list_pixels
from intarsia.metrics.confusion import confusion_matrix
from intarsia.ops.boundary import class_boundaries
from intarsia.types import LabelMap
from metrics import CLASSES, HEIGHT, LABELS, WIDTH, print_table, random_labels, regions

ROUNDS, QUICK_ROUNDS = 3, 21
TOLERANCE = Tolerance(0.75, "%")
RIM = CLASSES  # MONAI and torchmetrics know no void, and take the frame for a boundary: this class keeps ours off it
RIMMED = LabelMap((*LABELS.names, "rim"))


def main() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = regions(rng)
    compare(rimmed(truth), rimmed(predicted))
    print(f"\nall boundary counts (F1 at 5 tolerances, Boundary IoU, 5 trimaps), one core, {QUICK_ROUNDS} rounds")
    time_all_counts("regions, void border", truth, predicted)
    time_all_counts("independent random labels", *random_labels(rng))


def rimmed(mask: np.ndarray) -> np.ndarray:
    inner = np.full_like(mask, RIM)
    inner[8:-100, 8:-8] = mask[8:-100, 8:-8]
    return inner


def compare(truth: np.ndarray, predicted: np.ndarray) -> None:
    pixels = TOLERANCE.pixels(HEIGHT, WIDTH)
    print(f"Boundary F1 within {TOLERANCE} ({pixels:.1f} px), {os.cpu_count()} cores, {ROUNDS} rounds")
    programs = contestants(truth, predicted, pixels)
    expected = programs["intarsia"]()
    for program, run in programs.items():
        np.testing.assert_array_equal(run(), expected, err_msg=program)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program, run in programs.items():
            times[program].append(clock(run))
    print_table(times)


def contestants(truth: np.ndarray, predicted: np.ndarray, pixels: float) -> Mapping[str, Callable[[], np.ndarray]]:
    """Each program from its masks to, of each class, the boundary pixels and how many of them match."""
    one_hot = [torch.from_numpy(np.stack([mask == k for k in range(CLASSES)])) for mask in (predicted, truth)]
    batch = [masks[None] for masks in one_hot]
    surface_dice = SurfaceDiceMetric([pixels] * CLASSES, include_background=True, reduction="none")

    def ours() -> np.ndarray:
        return counted(boundary_counts(truth, predicted, RIMMED))

    def ours_alone() -> np.ndarray:
        limits = np.array([int(each.pixels(HEIGHT, WIDTH) ** 2) for each in DEFAULT_TOLERANCES])
        labels = [mask.astype(np.int16) for mask in (truth, predicted)]
        these, those = (list_pixels(mask, class_boundaries(mask), CLASSES) for mask in labels)
        matched = count_matched(these, those, CLASSES, limits) + count_matched(those, these, CLASSES, limits)
        return np.stack([these.of_classes(CLASSES) + those.of_classes(CLASSES), matched[:, -1]])

    def monai_parts() -> np.ndarray:
        found = []
        for masks in zip(*one_hot, strict=True):
            _, distances, _ = get_edge_surface_distance(*masks, symmetric=True, warn_empty=False)
            found.append((sum(len(each) for each in distances), sum(int((each <= pixels).sum()) for each in distances)))
        return np.array(found).T

    def monai() -> np.ndarray:
        surface_dice.reset()
        surface_dice(*batch)
        share = surface_dice.aggregate()
        assert isinstance(share, torch.Tensor)
        return np.stack([of_all, np.rint(np.nan_to_num(share[0].numpy()) * of_all).astype(np.int64)])

    def torchmetrics() -> np.ndarray:
        found = []
        for found_mask, true_mask in zip(*one_hot, strict=True):
            edges = [edge.bool() for edge in mask_edges(found_mask, true_mask, crop=False)]
            both = [
                np.asarray(distance_transform(~edges[1 - n], engine="scipy"))[edges[n].numpy()]
                if edges[1 - n].any()
                else np.full(int(edges[n].sum()), np.inf)
                for n in range(2)
            ]
            found.append((sum(each.size for each in both), sum(int((each <= pixels).sum()) for each in both)))
        return np.array(found).T

    of_all = ours()[0]  # MONAI's metric gives the share of matched pixels alone
    return {
        "intarsia": ours_alone,
        "intarsia, all boundary counts": ours,
        "MONAI SurfaceDiceMetric": monai,
        "MONAI edges and distances": monai_parts,
        "torchmetrics edges and distances": torchmetrics,
    }


def counted(counts: BoundaryCounts) -> np.ndarray:
    matched = (counts.true_matched + counts.predicted_matched)[:, -1]
    return np.stack([counts.true + counts.predicted, matched])[:, :CLASSES]


def time_all_counts(name: str, truth: np.ndarray, predicted: np.ndarray) -> None:
    overlap, boundary = [], []
    for _ in range(QUICK_ROUNDS):
        overlap.append(clock(lambda: confusion_matrix(truth, predicted, LABELS)))
        boundary.append(clock(lambda: boundary_counts(truth, predicted, LABELS)))
    picture = statistics.median(overlap) + statistics.median(boundary)
    print(f"  {name:28} {1e3 * statistics.median(boundary):7.1f} ms a picture (best {1e3 * min(boundary):.1f}); with")
    print(f"  {'':28} overlap {500 * picture:.1f} s for 500 pictures, files not read")


def clock(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    warnings.filterwarnings("ignore", message="monai.metrics.utils get_mask_edges")
    warnings.filterwarnings("ignore", message=".*is all 0")
    main()
