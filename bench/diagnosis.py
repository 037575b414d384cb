"""Proof that causes are attributed rightly, and the time it takes to attribute them.

Run ``python bench/diagnosis.py [--shared ../shared]``. Predictions are made from the truth by one known mistake each,
on synthetic scenes (with a background class and without one) and, with ``--shared``, on CamVid's validation masks.
Right is an answer whose main cause, for a class the mistake was made on, is that mistake. In the second table the same
mistakes are made in predictions whose borders are off everywhere, and the cause that grew most is asked for.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.formats.mask import read_mask
from intarsia.metrics.causes import cause_counts
from intarsia.types import LabelMap
from metrics import LABELS, Pair, random_labels, regions, with_void

SEEDS = 100
ROUNDS = 21
NAMES = ("Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist")

Rng = np.random.Generator
Scenes = Callable[[], Iterator[tuple[np.ndarray, LabelMap, Rng]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help="the folder whose data/camvid/val/masks holds CamVid's masks")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="synthetic scenes of each kind")
    options = parser.parse_args()
    corruptions = tests_module("corruptions")
    kinds: dict[str, Scenes] = {
        "objects on a background": lambda: drawn(corruptions.scene, options.seeds),
        "no background": lambda: drawn(corruptions.quilt, options.seeds),
    }
    if options.shared:
        masks = sorted((options.shared / "data/camvid/val/masks").iterdir())
        behind = LabelMap(NAMES, ignore=11, colors=tuple((20 * k, 10 * k, 5 * k) for k in range(len(NAMES))))
        kinds["CamVid"] = lambda: camvid(masks, LabelMap(NAMES, ignore=11))
        kinds["CamVid, sky as background"] = lambda: camvid(masks, behind)
    for title, ask in (
        ("The mistake is the only one", corruptions.verdicts),
        ("The mistake on top of shaken borders: what grew most", corruptions.verdicts_on_imperfect),
    ):
        print(f"\n{title}\n\n| mistake | expected | {' | '.join(kinds)} |\n|---|---|{'---|' * len(kinds)}")
        for name, (corrupt, expected) in corruptions.CORRUPTIONS.items():
            cells = [share_right(ask, corrupt, expected, scenes) for scenes in kinds.values()]
            print(f"| {name} | {expected} | {' | '.join(cells)} |")
    time_pictures()


def tests_module(name: str) -> Any:
    """The corruptions live beside the tests, which assert on a few what is shown here on many."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    return __import__(name)


def drawn(make: Callable[[Rng], tuple[np.ndarray, LabelMap]], count: int) -> Iterator[tuple[np.ndarray, LabelMap, Rng]]:
    for seed in range(count):
        rng = np.random.default_rng(seed)
        yield (*make(rng), rng)


def camvid(masks: list[Path], label_map: LabelMap) -> Iterator[tuple[np.ndarray, LabelMap, Rng]]:
    for seed, mask in enumerate(masks):
        yield read_mask(mask), label_map, np.random.default_rng(seed)


def share_right(ask: Callable[..., list[tuple[str | None, Any]]], corrupt: Any, expected: str, scenes: Scenes) -> str:
    found = [cause for truth, label_map, rng in scenes() for cause, _ in ask(corrupt, truth, label_map, rng)]
    right = sum(cause == expected for cause in found)
    return f"{right / len(found):.1%} of {len(found)}"


def time_pictures() -> None:
    rng = np.random.default_rng(0)
    pairs = {
        "regions as in street scenes, void border": regions(rng),
        "the same, a tenth of the pixels noise": noisy(regions(rng), rng),
        "independent random labels, 10% void": with_void(random_labels(rng), rng),
    }
    print(f"\ncause_counts of one 2048×1024 picture of 19 classes; medians of {ROUNDS} rounds")
    for name, pair in pairs.items():
        print(f"  {name}: {time_one(pair)}")


def time_one(pair: Pair) -> str:
    def run(_: int = 0) -> None:
        cause_counts(*pair, label_map=LABELS)

    run()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    with ThreadPoolExecutor(2) as pool:
        start = time.perf_counter()
        list(pool.map(run, range(ROUNDS)))
        each = (time.perf_counter() - start) / ROUNDS
    return f"{statistics.median(seconds):.3f} s (least {min(seconds):.3f} s); in two threads {each:.3f} s a picture"


def noisy(pair: Pair, rng: Rng) -> Pair:
    truth, predicted = pair
    hit = rng.random(truth.shape) < 0.1
    return truth, np.where(hit, rng.integers(0, len(LABELS.names), truth.shape), predicted).astype(np.uint8)


if __name__ == "__main__":
    main()
