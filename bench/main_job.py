"""The main job beside segmentation_models_pytorch: ``python bench/main_job.py [SET …]``, from the repository's root."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from intarsia.files import write_text
from side_by_side import report
from side_by_side.contest import compete
from side_by_side.machine import describe_machine
from side_by_side.sets import SETS

_WEIGHTS = "weights/resnet18_imagenet1k_fp16.safetensors"


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {"sets": {}}
    if arguments.markdown:
        sys.stdout.write(report.page(results))
        return
    machine = describe_machine()
    for name in arguments.sets or SETS:
        with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as temporary:
            data, runs = Path(temporary, "data"), Path(temporary, "runs")
            data.mkdir()
            chosen = SETS[name](arguments.shared, data)
            entry = compete(chosen, arguments.shared / _WEIGHTS, runs, arguments.steps_scale, arguments.ablate)
        measured = {**results["sets"], name: {**entry, "machine": machine}}
        results["sets"] = {known: measured[known] for known in SETS if known in measured}
        write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(report.table(name, entry), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; all by default")
    parser.add_argument(
        "--shared", type=Path, default=Path("../shared"), help="the folder that holds data/ and weights/"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/benchmarks/main-job.json"), help="figures; sets not run now are kept"
    )
    parser.add_argument("--ablate", action="store_true", help="also train smp with Intarsia's loss and optimizer")
    parser.add_argument("--steps-scale", type=float, default=1.0, help="factor on the steps, for a quick look")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sets if name not in SETS]
    if unknown:
        parser.error(f"{unknown[0]!r} is not a set; choose of {', '.join(SETS)}")
    if arguments.markdown and not arguments.out.is_file():
        parser.error(f"{arguments.out} is not there; run the sets first")
    return arguments


if __name__ == "__main__":
    main()
