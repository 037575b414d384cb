"""Predicting beside segmentation_models_pytorch: ``python bench/predict_speed.py [NETWORK …]``, from the root."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from intarsia.files import write_text
from intarsia.predict.device import describe_device, resolve_device
from prediction import report
from prediction.contest import compete
from prediction.contestants import CONTESTANTS, draw_training_set, train
from side_by_side.machine import describe_machine


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {"devices": {}}
    if arguments.markdown:
        sys.stdout.write(report.page(results))
        return
    device = resolve_device(arguments.device)
    known = results["devices"].get(device.type, {}).get("networks", {})
    where = {"machine": describe_machine(), "device": describe_device(device)}
    kept = nullcontext(str(arguments.work)) if arguments.work else tempfile.TemporaryDirectory(prefix="intarsia-bench-")
    with kept as work:
        data = Path(work, "data")
        if not data.is_dir():
            draw_training_set(data)
        for name in arguments.names or CONTESTANTS:
            file = train(CONTESTANTS[name], data, Path(work, name), arguments.steps)
            entry = compete(CONTESTANTS[name], file, device, arguments.rounds) | where
            known[name] = entry
            networks = {each: known[each] for each in CONTESTANTS if each in known}
            results["devices"][device.type] = {"networks": networks}
            write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            print(report.table(name, entry), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NETWORK", help=f"of {', '.join(CONTESTANTS)}; all by default")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto; figures of other devices are kept")
    parser.add_argument(
        "--steps", type=int, default=100, help="optimizer steps of each training that --work does not hold"
    )
    parser.add_argument("--rounds", type=int, default=20, help="timed rounds, at least 4")
    parser.add_argument("--work", type=Path, help="a folder that keeps data and trained models, to time them again")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/predict-speed.json"), help="the figures")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in CONTESTANTS]
    if unknown:
        parser.error(f"{unknown[0]!r} takes no part; choose of {', '.join(CONTESTANTS)}")
    if arguments.rounds < 4:
        parser.error("--rounds must be 4 or more")
    if arguments.markdown and not arguments.out.is_file():
        parser.error(f"{arguments.out} is not there; run the networks first")
    return arguments


if __name__ == "__main__":
    main()
