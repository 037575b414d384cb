"""Every architecture on CamVid, with one recipe: ``python bench/architectures.py [NAME …]``, from the root."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from architecture_table import measure, report
from architecture_table.contestants import CONTESTANTS
from intarsia.files import write_text
from intarsia.train.prepare import prepare
from side_by_side.machine import describe_machine
from side_by_side.sets import camvid

_WEIGHTS = "weights/resnet18_imagenet1k_fp16.safetensors"


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {"rows": {}}
    if arguments.markdown:
        sys.stdout.write(report.page(results))
        return
    results["machine"] = describe_machine()
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as work:
        chosen = camvid(arguments.shared, Path(work))
        data = prepare(chosen.parts[0], seed=0)
        for name in arguments.names or CONTESTANTS:
            row = results["rows"].get(name, {})
            weights = arguments.shared / _WEIGHTS
            if not arguments.time:
                row |= measure.train_and_score(CONTESTANTS[name], chosen, data, weights, arguments.steps)
            if not arguments.score:
                row |= measure.clock(CONTESTANTS[name], chosen, data, weights)
            results["rows"][name] = row
            write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            print(f"{name}: {_line(row)}", flush=True)


def _line(row: dict[str, Any]) -> str:
    parts = [f"mean IoU {row['mean_iou']['value']:.3f} after {row['train_seconds']:.0f} s"] if "mean_iou" in row else []
    if "step_seconds" in row:
        parts.append(f"a step {row['step_seconds']:.2f} s, a picture {1000 * row['predict_seconds']:.0f} ms")
    return ", ".join(parts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CONTESTANTS)}; all by default")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="the folder that holds data/, weights/")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/architectures.json"), help="the figures")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps of each training")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--score", action="store_true", help="train and score only; times need a quiet machine")
    only.add_argument("--time", action="store_true", help="time only; scores of an earlier run are kept")
    only.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in CONTESTANTS]
    if unknown:
        parser.error(f"{unknown[0]!r} takes no part; choose of {', '.join(CONTESTANTS)}")
    if arguments.markdown and not arguments.out.is_file():
        parser.error(f"{arguments.out} is not there; run the architectures first")
    return arguments


if __name__ == "__main__":
    main()
