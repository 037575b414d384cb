"""The dense CRF beside the reference C++ program: ``python bench/dense_crf.py --shared ../shared``, from the root.

A fixed loop of arithmetic is timed in every round, between the programs: it says how fast this machine is just now,
and so what the reference program's known times would be here. Where its Python interface is installed (pydensecrf,
``--peer FOLDER`` if not where Python looks), it takes part itself, and the results are compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
import torch
from PIL import Image

from intarsia.files import write_text
from intarsia.ops.jit import jit
from intarsia.predict.crf import CrfParameters, refine
from side_by_side.machine import describe_machine

CASES = {"360×480, 11 classes": (360, 480, 11), "720×1280, 21 classes": (720, 1280, 21)}
NOMINAL = {"360×480, 11 classes": 0.17, "720×1280, 21 classes": 1.57}
"""Seconds of the reference program in one thread, where the loop takes ``LOOP_SECONDS``."""

STEPS, LOOP_SECONDS = 10_000_000, 0.0136
ROUNDS = 11
ONE, TWO, PEER = "Intarsia, 1 thread", "Intarsia, 2 threads", "reference C++, 1 thread"

_INTRODUCTION = """# The dense CRF, beside the reference program

*Written by `python bench/dense_crf.py --markdown` from the figures in [dense-crf.json](dense-crf.json); not edited by
hand.*

How long `intarsia.predict.crf.refine` takes, everything included: both lattices, their normalization and five updates
of the mean field, with the default parameters.
"""

_METHOD = f"""## What is compared, and how

- **Picture**: the first of CamVid's validation pictures, enlarged for the second case; probabilities are the softmax of
  smooth random numbers. The time depends on how many colors a picture has.
- **{PEER}**: Krähenbühl's densecrf through pydensecrf, compiled from its source package with its own flags, where it is
  installed; from the probabilities to the result, so the logarithm of its unary potential counts.
- **Time**: the programs take turns, and the table shows the median of the rounds. *Processor* is the time the processor
  spent on the process, all threads together, which moves less when other programs use the machine too. *Faster* is the
  reference program's time over the row's, round by round, and its median.
- **Nominal**: the reference program's time of {" and ".join(f"{seconds} s" for seconds in NOMINAL.values())} on a
  machine where a chain of {STEPS:,} multiplications and additions, each waiting for the one before, takes
  {1e3 * LOOP_SECONDS:.1f} ms. The chain is timed in every round, and its median over that time is the machine's ratio;
  *faster than nominal* is the nominal time multiplied by that ratio, over the row's.
- **Difference**: the largest between the two programs' probabilities, and the share of pixels of the same class.
"""


@jit
@no_type_check
def chain(steps):
    """A fixed amount of arithmetic that no compiler may shorten: each step waits for the rounding of the one before."""
    state = 1.0
    for _ in range(steps):
        state = state * 0.75 + 0.5
    return state


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    if arguments.markdown:
        sys.stdout.write(page(json.loads(out.read_text())))
        return
    if arguments.peer:
        sys.path.insert(0, str(arguments.peer))
    picture = Image.open(min((arguments.shared / "data/camvid/val/images").iterdir())).convert("RGB")
    results: dict[str, Any] = {"machine": describe_machine(), "loop_seconds": [], "cases": {}}
    for name, (height, width, classes) in CASES.items():
        image = np.array(picture.resize((width, height)))  # pydensecrf takes none that is read-only
        given = probabilities(height, width, classes)
        case, loop = compete(image, given, arguments.rounds)
        results["cases"][name] = case
        results["loop_seconds"] += loop
        print(table(name, case, ratio(results)), flush=True)
    write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def probabilities(height: int, width: int, classes: int) -> np.ndarray:
    """float32 [K, H, W] that change as slowly as a network's."""
    coarse = np.random.default_rng(0).normal(0, 2, (classes, height // 40 + 2, width // 40 + 2))
    grid = torch.from_numpy(coarse.astype(np.float32))[None]
    smooth = torch.nn.functional.interpolate(grid, (height, width), mode="bilinear", align_corners=True)
    return np.asarray(smooth[0].softmax(dim=0).numpy())


def compete(image: np.ndarray, given: np.ndarray, rounds: int) -> tuple[dict[str, Any], list[float]]:
    programs = contestants(image, given)
    masks = {name: run() for name, run in programs.items()}  # which also compiles
    wall: dict[str, list[float]] = {name: [] for name in programs}
    processor: dict[str, list[float]] = {name: [] for name in programs}
    loop = []
    chain(STEPS)
    for _ in range(rounds):
        for name, run in programs.items():
            start = time.perf_counter()
            chain(STEPS)
            middle, spent = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - middle)
            processor[name].append(time.process_time() - spent)
            loop.append(middle - start)
    case: dict[str, Any] = {"seconds": wall, "processor": processor}
    if PEER in masks:
        ours, theirs = masks[TWO], masks[PEER]
        case["largest_difference"] = float(np.abs(ours - theirs).max())
        case["equal_pixels"] = float((ours.argmax(axis=0) == theirs.argmax(axis=0)).mean())
    assert np.array_equal(masks[ONE], masks[TWO]), "threads change the result"
    return case, loop


def contestants(image: np.ndarray, given: np.ndarray) -> Mapping[str, Callable[[], np.ndarray]]:
    programs: dict[str, Callable[[], np.ndarray]] = {
        ONE: lambda: with_threads(1, image, given),
        TWO: lambda: with_threads(2, image, given),
    }
    try:
        reference = importlib.import_module("pydensecrf.densecrf")
    except ImportError:
        print("pydensecrf is not installed: only the nominal times of the reference program are compared with")
        return programs
    defaults, (classes, height, width) = CrfParameters(), given.shape

    def theirs() -> np.ndarray:
        crf = reference.DenseCRF2D(width, height, classes)
        crf.setUnaryEnergy(-np.log(given.clip(1e-5, 1)).reshape(classes, -1))
        crf.addPairwiseGaussian(sxy=defaults.gaussian_sxy, compat=defaults.gaussian_compat)
        crf.addPairwiseBilateral(
            sxy=defaults.bilateral_sxy, srgb=defaults.bilateral_srgb, rgbim=image, compat=defaults.bilateral_compat
        )
        return np.array(crf.inference(defaults.iterations)).reshape(given.shape)

    return {**programs, PEER: theirs}


def with_threads(count: int, image: np.ndarray, given: np.ndarray) -> np.ndarray:
    torch.set_num_threads(count)
    return refine(image, given)


def ratio(results: Mapping[str, Any]) -> float:
    """How many times slower than the nominal machine this one is."""
    return float(statistics.median(results["loop_seconds"])) / LOOP_SECONDS


def rows(name: str, case: Mapping[str, Any], slower: float) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("program", "time", "processor", "faster", "faster than nominal")]
    for program, seconds in case["seconds"].items():
        median = statistics.median(seconds)
        peer = case["seconds"].get(PEER)
        faster = f"{_faster(peer, seconds):.1f}×" if peer else "–"
        spent = statistics.median(case["processor"][program])
        against = f"{NOMINAL[name] * slower / median:.1f}×"
        lines.append((program, f"{median:.3f} s", f"{spent:.3f} s", faster, against))
    return lines


def _faster(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return float(statistics.median(their / our for their, our in zip(theirs, ours, strict=True)))


def table(name: str, case: Mapping[str, Any], slower: float) -> str:
    lines = rows(name, case, slower)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n  ".join([f"\n{name}; this machine's ratio {slower:.2f}", *shown, _difference(case)])


def page(results: Mapping[str, Any]) -> str:
    slower, sections = ratio(results), []
    for name, case in results["cases"].items():
        header, *lines = rows(name, case, slower)
        cells = [header, ("---", *["---:"] * (len(header) - 1)), *lines]
        markdown = "\n".join(f"| {' | '.join(line)} |" for line in cells)
        count = len(case["seconds"][ONE])
        sections.append(f"## {name}\n\n{markdown}\n\n{count} rounds. {_difference(case)}\n")
    machine = results["machine"]
    where = (
        f"## Machine\n\n{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']},"
        f" numpy {machine['packages']['numpy']}; load before the run {machine['load_before']}. Its ratio, see above:"
        f" {slower:.2f}.\n\nRun again with `python bench/dense_crf.py --shared FOLDER --peer FOLDER`.\n"
    )
    return "\n".join([_INTRODUCTION, *sections, _METHOD, where])


def _difference(case: Mapping[str, Any]) -> str:
    if "largest_difference" not in case:
        return "The reference program was not there to compare results with."
    return (
        f"Largest difference of a probability from the reference program: {case['largest_difference']:.1e};"
        f" {case['equal_pixels']:.3%} of the pixels have the same class."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="holds data/camvid/val/images")
    parser.add_argument("--peer", type=Path, help="a folder that holds pydensecrf")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed rounds")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/dense-crf.json"), help="the figures")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
