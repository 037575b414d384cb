"""Cleaning masks beside scikit-image, scipy, cc3d and the loop of tutorials: ``python bench/components.py``.

All programs take turns in every round of one run and are asserted to give the same mask; each runs on one core. The
loop over components would take hours: a few of its steps are timed, and multiplied.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import cc3d
import numpy as np
from scipy import ndimage
from skimage import morphology

from intarsia.files import write_text
from intarsia.ops.cleanup import drop_specks, fill_holes, keep_largest
from intarsia.ops.components import connected_components
from side_by_side.machine import describe_machine

SIDE, DEPTH = 4096, 256
LEAST, BLOCK_LEAST, CLASSES = 10, 32, 19
LOOPED = 30  # components of the loop that are timed
Program = Callable[[], np.ndarray]


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    if arguments.markdown:
        sys.stdout.write(page(json.loads(out.read_text())))
        return
    rng = np.random.default_rng(0)
    picture = (rng.random((SIDE, SIDE)) < 0.1).astype(np.uint8)
    volume = (rng.random((DEPTH,) * 3) < 0.02).astype(np.uint8)
    blocks = np.kron(rng.integers(0, CLASSES, (SIDE // 4, SIDE // 4), dtype=np.uint8), np.ones((4, 4), np.uint8))
    results = {
        "machine": describe_machine()
        | {"peers": {name: version(name) for name in ("scikit-image", "scipy", "connected-components-3d")}},
        "rounds": arguments.rounds,
        "parts": [
            compare("picture", picture, binary(picture), arguments.rounds) | {"loop": loop(picture)},
            compare("volume", volume, binary(volume), arguments.rounds) | {"loop": loop(volume)},
            compare("blocks", blocks, of_classes(blocks), arguments.rounds, alike=False),
        ],
    }
    write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def compare(
    name: str, mask: np.ndarray, programs: Mapping[str, Program], rounds: int, alike: bool = True
) -> dict[str, Any]:
    """Time every program, in turns, after a first run of each that is not timed."""
    masks = {program: run() for program, run in programs.items()}
    for program, found in masks.items() if alike else ():
        np.testing.assert_array_equal(found, next(iter(masks.values())), err_msg=program)
    times: dict[str, list[float]] = {program: [] for program in programs}
    for _ in range(rounds):
        for program, run in programs.items():
            times[program].append(clock(run))
    medians = {program: statistics.median(seconds) for program, seconds in times.items()}
    pieces = connected_components(mask + 1)[1]
    print(f"{name}: {pieces} pieces", *(f"{p} {1000 * s:.0f} ms" for p, s in medians.items()), sep="\n  ", flush=True)
    return {"name": name, "pieces": pieces, "seconds": medians, "slowest": {p: max(s) for p, s in times.items()}}


def binary(mask: np.ndarray) -> dict[str, Program]:
    """Drop the pieces of class 1 that are smaller than a size, into class 0."""
    loosest = np.ones((3,) * mask.ndim)
    connectivity: Literal[8, 26] = 8 if mask.ndim == 2 else 26

    def scipy_() -> np.ndarray:
        numbers, count = ndimage.label(mask, loosest)
        is_kept = np.bincount(numbers.ravel(), minlength=count + 1) >= LEAST
        is_kept[0] = False
        return np.asarray(is_kept[numbers].view(np.uint8))

    def skimage() -> np.ndarray:
        kept = morphology.remove_small_objects(mask.view(bool), max_size=LEAST - 1, connectivity=mask.ndim)
        return np.asarray(kept.view(np.uint8))

    return {
        "Intarsia, each takes what surrounds it": lambda: drop_specks(mask, {1: LEAST}),
        "Intarsia, `to=0`": lambda: drop_specks(mask, {1: LEAST}, to=0),
        "scikit-image `remove_small_objects`": skimage,
        "scipy `label`, `bincount`, indexing": scipy_,
        "`cc3d.dust`": lambda: cc3d.dust(mask, LEAST, connectivity=connectivity, binary_image=True),
    }


def of_classes(mask: np.ndarray) -> dict[str, Program]:
    """What no other program does in one go, and the nearest that one can build."""

    def skimage() -> np.ndarray:
        cleaned = mask.copy()
        for label in range(1, CLASSES):
            kept = morphology.remove_small_objects(mask == label, max_size=BLOCK_LEAST - 1, connectivity=2)
            cleaned[(mask == label) & ~kept] = 0
        return cleaned

    return {
        "Intarsia, specks, each takes what surrounds it": lambda: drop_specks(mask, BLOCK_LEAST),
        "Intarsia, specks, `to=0`": lambda: drop_specks(mask, BLOCK_LEAST, to=0),
        "Intarsia, holes of one class": lambda: fill_holes(mask, {1: BLOCK_LEAST}),
        "Intarsia, the 100 largest of each class": lambda: keep_largest(mask, 100),
        "scikit-image, class by class, into class 0": skimage,
    }


def loop(mask: np.ndarray) -> dict[str, float]:
    """The loop of tutorials over components, for some of them."""
    labels, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    cleaned = mask.copy()

    def some() -> None:
        for number in range(1, LOOPED + 1):
            piece = labels == number
            if piece.sum() < LEAST:
                cleaned[piece] = 0

    some()
    seconds = statistics.median(clock(some) for _ in range(3)) / LOOPED
    print(f"  the loop over {count} components: {seconds * count / 3600:.1f} h at {1000 * seconds:.1f} ms each")
    return {"components": int(count), "seconds_each": seconds}


def clock(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


_TITLES = {
    "picture": f"A picture of {SIDE}×{SIDE}, every tenth pixel of class 1",
    "volume": f"A volume of {DEPTH}³, every fiftieth voxel of class 1",
    "blocks": f"A picture of {SIDE}×{SIDE}, {CLASSES} classes in random blocks of 4×4",
}
_TASKS = {
    "picture": f"Pieces of class 1 below {LEAST} pixels go; pixels that share a corner are one piece.",
    "volume": f"Pieces of class 1 below {LEAST} voxels go; voxels that share a corner are one piece.",
    "blocks": f"Pieces of every class below {BLOCK_LEAST} pixels go; holes up to that size are filled. No other program"
    " gives each piece the\nclass that surrounds it; the last row, the nearest that a person would build, does less.",
}

_INTRODUCTION = """# Cleaning masks, beside others

*Written by `python bench/components.py --markdown` from the figures in [components.json](components.json); not edited
by hand.*

Medians of {rounds} rounds, in which the programs take turns; each runs on one core. Where several do the same, their
masks are asserted to be equal. How masks are cleaned: [Clean masks](../how-to/clean-masks.md).
"""

_LOOP = f"""## The loop of tutorials

```python
labels, count = scipy.ndimage.label(mask, structure)
for number in range(1, count + 1):
    piece = labels == number  # reads the whole array, once for each component
    if piece.sum() < {LEAST}:
        mask[piece] = 0
```

Nobody has waited for it: {LOOPED} steps are timed and multiplied by the number of components. That is fair, because
every step reads the whole array, whatever the size of its piece.
"""


def page(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    programs = {**machine["peers"], "numpy": machine["packages"]["numpy"]}
    versions = ", ".join(f"{name} {number}" for name, number in programs.items())
    return "\n".join(
        [
            _INTRODUCTION.format(rounds=results["rounds"]),
            *map(_part, results["parts"]),
            _LOOP,
            f"Measured on one core of {machine['cpu']} with {versions}.\n",
        ]
    )


def _part(part: Mapping[str, Any]) -> str:
    ours = next(iter(part["seconds"].values()))
    rows = [
        f"| {program} | {1e3 * seconds:,.0f} ms | {1e3 * part['slowest'][program]:,.0f} ms | {seconds / ours:.1f} |"
        for program, seconds in part["seconds"].items()
    ]
    if "loop" in part:
        whole = part["loop"]["components"] * part["loop"]["seconds_each"]
        rows.append(f"| the loop of tutorials, **extrapolated** | {whole / 3600:.1f} h | | {whole / ours:,.0f} |")
    header = "| program | median | slowest round | ratio |\n|---|---:|---:|---:|"
    title = f"## {_TITLES[part['name']]}\n\n{part['pieces']:,} pieces. {_TASKS[part['name']]}\n"
    return "\n".join([title, header, *rows, ""])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds, at least 5")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/components.json"), help="the figures")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error("--rounds must be 5 or more")
    if arguments.markdown and not arguments.out.is_file():
        parser.error(f"{arguments.out} is not there; run the benchmark first")
    return arguments


if __name__ == "__main__":
    main()
