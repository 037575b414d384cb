"""What refinement is worth: ``python bench/refinement.py MODEL DATA``.

Every picture is predicted once; then its probabilities are taken as they are, through the guided filter at several
radii, and through the dense CRF. Each is scored on all pictures together. The time is that of the refinement alone, the
median over pictures after a first call that is not timed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import intarsia
from intarsia.data.dataset import read_pair
from intarsia.data.formats.folder import Item, open_folder
from intarsia.files import write_text
from intarsia.metrics.boundary import DEFAULT_TOLERANCES, BoundaryCounts, boundary_counts, mean_boundary_f1
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.counts import stack, total
from intarsia.metrics.overlap import mean_iou
from intarsia.ops.guided_filter import guided_refine
from intarsia.predict.crf import CrfParameters, read_parameters, refine
from intarsia.predict.model import Model
from intarsia.train.selection import select
from side_by_side.machine import describe_machine

Refinement = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    arguments = _arguments()
    model = intarsia.load(arguments.model, device=arguments.device)
    chosen = select(model.card, open_folder(arguments.data), arguments.split)
    items = chosen.items[: arguments.pictures]
    parameters = read_parameters(arguments.crf) if arguments.crf else CrfParameters()
    refinements: dict[str, Refinement] = {
        f"guided filter, radius {radius}, ε = {arguments.epsilon:g}": _guided(radius, arguments.epsilon)
        for radius in arguments.radius
    }
    refinements["dense CRF"] = lambda image, shares: refine(image, shares, parameters)
    rows = score(model, items, refinements)
    print(f"{len(items)} pictures ({chosen.split}) of {arguments.data.name}\n\n{table(rows)}")
    if arguments.out:
        content = {"machine": describe_machine(), "pictures": len(items), "split": chosen.split, "rows": rows}
        write_text(arguments.out, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def score(model: Model, items: Sequence[Item], refinements: Mapping[str, Refinement]) -> dict[str, Any]:
    """Mean IoU, mean Boundary F1 at each tolerance and seconds a picture, of each refinement and of none."""
    labels = model.card.label_map
    ids = np.asarray(labels.ids, labels.id_dtype)
    confusion: dict[str, np.ndarray] = {}
    boundaries: dict[str, list[BoundaryCounts]] = {}
    seconds: dict[str, list[float]] = {}

    def count(name: str, truth: np.ndarray, found: np.ndarray, where: Path) -> None:
        confusion[name] = confusion.get(name, 0) + confusion_matrix(truth, found, labels, where)
        boundaries.setdefault(name, []).append(boundary_counts(truth, found, labels, widths=(), where=where))

    for number, item in enumerate(items):
        image, truth = read_pair(item)
        plain = model.predict(image, probabilities=True)
        assert plain.probabilities is not None
        count("plain", truth, plain.class_ids, item.mask)
        for name, run in refinements.items():
            if number == 0:
                run(image, plain.probabilities)
            start = time.perf_counter()
            refined = run(image, plain.probabilities)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            count(name, truth, ids[refined.argmax(axis=0)], item.mask)
    return {
        name: {
            "mean_iou": float(mean_iou(confusion[name])),
            "mean_boundary_f1": mean_boundary_f1(total(stack(boundaries[name]))).tolist(),
            "seconds": statistics.median(seconds.get(name, [0.0])),
        }
        for name in confusion
    }


def table(rows: Mapping[str, Any]) -> str:
    heads = ["", "mean IoU", *(f"Boundary F1, {tolerance}" for tolerance in DEFAULT_TOLERANCES), "time a picture"]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for name, row in rows.items():
        figures = " | ".join(f"{figure:.4f}" for figure in (row["mean_iou"], *row["mean_boundary_f1"]))
        lines.append(f"| {name} | {figures} | {1000 * row['seconds']:.0f} ms |")
    return "\n".join(lines)


def _guided(radius: int, epsilon: float) -> Refinement:
    return lambda image, shares: guided_refine(image, shares, radius, epsilon)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a model.safetensors")
    parser.add_argument("data", type=Path, help="a folder of pictures and masks")
    parser.add_argument("--split", help="train, val, test or all; as of `intarsia evaluate`")
    parser.add_argument("--pictures", type=int, help="only so many")
    parser.add_argument("--radius", type=int, nargs="+", default=[2, 4, 8, 16], help="of the guided filter, in pixels")
    parser.add_argument("--epsilon", type=float, default=1e-3, help="of the guided filter")
    parser.add_argument("--crf", type=Path, help="a file of parameters; default is those of its authors")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
