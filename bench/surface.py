"""Time surface figures beside MONAI and DeepMind's surface-distance: a street-like picture and two kinds of organ.

Run ``python bench/surface.py``. All programs take turns in every round of one run, so that a machine that slows down
slows all of them. Each peer gets its masks as it likes them best, converted outside the clock; torch may use every
core, ours runs on one. Normalized surface Dice of surface-distance and of MONAI with subvoxels is asserted to equal
ours, as are surface-distance's HD95 and average distances; MONAI's default counts edge pixels, which is another figure.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import surface_distance
import torch
from monai.metrics import SurfaceDiceMetric

from intarsia.metrics.surface import average_surface_distance, hausdorff_distance, surface_counts, surface_dice
from intarsia.metrics.surface_search import SurfaceDistances, class_surface_distances, surface_distances
from metrics import LABELS, VOID, regions

ROUNDS = 5
TOLERANCE, SPACING = 2.0, (2.5, 0.8, 0.8)
MONAI = "MONAI SurfaceDiceMetric: NSD, subvoxels"
DEEPMIND = "surface-distance: NSD, HD95, average distances"
Figures = np.ndarray
Pair = tuple[np.ndarray, np.ndarray]


def main() -> None:
    warnings.simplefilter("ignore")  # peers use names that newer versions of scipy deprecate
    rng = np.random.default_rng(0)
    truth, predicted = regions(rng)
    masks = [[(mask == k) & (truth != VOID) for k in range(LABELS.num_classes)] for mask in (truth, predicted)]
    compare(
        "2048×1024, 19 classes, regions as in street scenes",
        lambda farthest: class_surface_distances(truth, predicted, LABELS, farthest=farthest),
        peers(masks[0], masks[1], (1.0, 1.0)),
    )
    for name, shift in (("well", 0.5), ("badly", 8.0)):
        true, wrong = organ(rng, shift)
        compare(
            f"128³ voxels of 2.5×0.8×0.8 mm, an organ segmented {name}",
            partial(measure_one, true, wrong),
            peers([true], [wrong], SPACING),
        )


def measure_one(truth: np.ndarray, predicted: np.ndarray, farthest: float) -> tuple[SurfaceDistances, ...]:
    return (surface_distances(truth, predicted, spacing=SPACING, farthest=farthest),)


def compare(
    name: str,
    measure: Callable[[float], tuple[SurfaceDistances, ...]],
    others: Mapping[str, Callable[[], Figures]],
) -> None:
    """Time NSD alone and all figures.

    Args:
        name: of the masks.
        measure: their distances up to a farthest one.
        others: the peers' programs.
    """
    programs = {
        "intarsia: NSD": lambda: nsd(measure(TOLERANCE)),
        "intarsia: NSD, HD95, average distances": lambda: figures(measure(np.inf)),
        **others,
    }
    expected = programs["intarsia: NSD, HD95, average distances"]()
    for program in ("intarsia: NSD", MONAI, DEEPMIND):
        found = programs[program]()
        np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-5, err_msg=program)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program, run in programs.items():
            start = time.perf_counter()
            run()
            times[program].append(time.perf_counter() - start)
    print(name)
    print_table(times)


def print_table(times: Mapping[str, list[float]]) -> None:
    print(f"  {'':46} {'median':>11} {'ratio':>8} {'best':>13} {'ratio':>8}")
    own = next(iter(times.values()))
    for program, seconds in times.items():
        line = f"  {program:46}"
        for pick in (statistics.median, min):
            line += f" {pick(seconds) * 1e3:8.1f} ms {pick(seconds) / pick(own):7.1f}×  "
        print(line.rstrip())


def nsd(distances: tuple[SurfaceDistances, ...]) -> Figures:
    """NSD of each class."""
    return surface_dice(surface_counts(distances, (TOLERANCE,)))[:, 0]


def figures(distances: tuple[SurfaceDistances, ...]) -> Figures:
    """NSD of each class, and then HD95 and both average distances of each."""
    counts = surface_counts(distances, (TOLERANCE,))
    averages = (average_surface_distance(counts, side) for side in ("from-truth", "from-prediction"))
    return np.concatenate([surface_dice(counts)[:, 0], hausdorff_distance(distances, 95.0), *averages])


def peers(
    truth: list[np.ndarray], predicted: list[np.ndarray], spacing: tuple[float, ...]
) -> dict[str, Callable[[], Figures]]:
    """The peers' programs on one mask a class."""
    one_hot = [torch.from_numpy(np.stack(masks)[None].astype(np.uint8)) for masks in (predicted, truth)]

    def monai(use_subvoxels: bool) -> Figures:
        metric = SurfaceDiceMetric([TOLERANCE] * len(truth), include_background=True, use_subvoxels=use_subvoxels)
        values: Any = metric(*one_hot, spacing=spacing)
        return np.asarray(values[0])

    def deepmind() -> Figures:
        with mock.patch.object(np, "Inf", np.inf, create=True):  # a name that numpy 2 no longer has
            measured = [
                surface_distance.compute_surface_distances(*pair, spacing)
                for pair in zip(truth, predicted, strict=True)
            ]
            rows = [
                (
                    surface_distance.compute_surface_dice_at_tolerance(each, TOLERANCE),
                    surface_distance.compute_robust_hausdorff(each, 95),
                    *surface_distance.compute_average_surface_distance(each),
                )
                for each in measured
            ]
        return np.array(rows).T.ravel()

    return {
        "MONAI SurfaceDiceMetric: NSD, edge pixels": lambda: monai(False),
        MONAI: lambda: monai(True),
        DEEPMIND: deepmind,
    }


def organ(rng: np.random.Generator, shift: float) -> Pair:
    """A ball with bumps, and its prediction: moved by ``shift`` voxels, with other bumps."""
    grid = np.indices((128, 128, 128)) - 63.5
    bumps = torch.from_numpy(rng.standard_normal((1, 2, 8, 8, 8)))
    bumps = torch.nn.functional.interpolate(bumps, size=(128, 128, 128), mode="trilinear")[0]
    truth, predicted = (
        np.sqrt(((grid - move) ** 2).sum(axis=0)) < 45 + 3 * bump.numpy()
        for move, bump in zip((0.0, shift), bumps, strict=True)
    )
    return truth, predicted


if __name__ == "__main__":
    main()
