"""What pretrained encoders gain on nuclei: ``python bench/pretrained.py [SECTION …]``, from the repository's root."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from intarsia.files import write_text
from pretrained_encoders.channels import measure_channels
from pretrained_encoders.measure import SETTINGS, measure
from pretrained_encoders.page import page
from pretrained_encoders.trials import SECTIONS
from side_by_side.machine import describe_machine

CHANNELS = "channels"


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {"sections": {}}
    if arguments.markdown:
        sys.stdout.write(page(results))
        return
    results |= {"machine": describe_machine(), "settings": SETTINGS}
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as work:
        for name in arguments.sections or [*SECTIONS, CHANNELS]:
            if name == CHANNELS:
                results[CHANNELS] = measure_channels(arguments.shared)
            else:
                measured = measure(SECTIONS[name], arguments.shared, Path(work, name), arguments.steps)
                known = {**results["sections"], name: measured}
                results["sections"] = {key: known[key] for key in SECTIONS if key in known}
            write_text(out, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*SECTIONS, CHANNELS]
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="the folder that holds data/, weights/")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/pretrained.json"), help="the figures")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps of each training")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the page of what --out holds")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in names]
    if unknown:
        parser.error(f"{unknown[0]!r} is not a section; choose of {', '.join(names)}")
    if arguments.markdown and not arguments.out.is_file():
        parser.error(f"{arguments.out} is not there; run the sections first")
    return arguments


if __name__ == "__main__":
    main()
