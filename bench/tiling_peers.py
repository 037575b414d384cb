"""Sliding windows: time, peak memory, seams. ``python bench/tiling_peers.py [SIDE …]``, from the root."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from intarsia.files import write_text
from intarsia.types import LabelMap
from large_pictures import peers, peers_page
from large_pictures.models import write_random_model
from side_by_side.machine import describe_machine

_CLASSES = 19  # as many as Cityscapes has


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    if arguments.one:  # the process of a single program
        print(json.dumps(peers.run(arguments.one, Path(arguments.model), arguments.sides[0])))
        return
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {"sides": {}}
    if arguments.markdown:
        sys.stdout.write(peers_page.page(results))
        return
    results["machine"] = describe_machine()
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as work:
        classes = LabelMap(tuple(f"class {index}" for index in range(_CLASSES)))
        model = write_random_model("unet-resnet18", Path(work, "model.safetensors"), classes)
        for side in arguments.sides:
            rows = results["sides"].setdefault(str(side), {})
            for name in peers.PROGRAMS:
                command = [sys.executable, __file__, str(side), "--one", name, "--model", str(model)]
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                last = done.stdout.splitlines()[-1:] or ["null"]
                rows[name] = json.loads(last[0]) if done.returncode == 0 else {"failed": _reason(done.stderr)}
                print(side, name, rows[name], flush=True)
                write_text(out, json.dumps(results, indent=1) + "\n")


def _reason(printed: str) -> str:
    """Why a program ended."""
    if "MemoryError" in printed or "t allocate memory" in printed:
        return f"needs more than {peers.CEILING / 1e9:.0f} GB"
    return (printed.strip().splitlines() or ["ended without a word"])[-1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sides", nargs="*", type=int, default=[2048, 8192, 20000], help="of the pictures, in pixels")
    parser.add_argument("--one", choices=peers.PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/prediction.json"), help="the figures")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
