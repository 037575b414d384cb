"""Score 500 mask files of Cityscapes' size end to end: reading, overlap, boundaries, diagnosis, report.

Run ``python bench/whole_evaluation.py``. It writes 500 pairs of 2048×1024, 19-class masks (25 different ones under many
names) to a temporary folder, scores them by ``intarsia score --out`` in a process of its own, and prints its wall time
and the most memory it held.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from metrics import CLASSES, VOID, regions

IMAGES, DIFFERENT = 500, 25

# Asked inside the process: what the system reports of a child includes what its parent held before it started.
SCORE = """
import sys
from pathlib import Path
from intarsia.apps.cli import main
sys.argv = ["intarsia", "score", "predicted", "truth", "--out", "scores"]
try:
    main()
finally:
    print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pairs(folder)
        start = time.perf_counter()
        scored = subprocess.run([sys.executable, "-c", SCORE], cwd=folder, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        peak = int(scored.stdout.splitlines()[-1].split()[1]) / 1024
        sizes = {path.name: f"{path.stat().st_size / 1e6:.1f} MB" for path in sorted((folder / "scores").iterdir())}
    print(f"{os.cpu_count()} cores; {IMAGES} pairs of 2048×1024 PNG masks, {CLASSES} classes")
    print(f"{seconds:.1f} s in all, {1000 * seconds / IMAGES:.0f} ms a pair; at most {peak:.0f} MB of memory")
    print(f"wrote {sizes}")


def write_pairs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    (folder / "classes.yaml").write_text(
        "classes:\n" + "".join(f"  - class {k}\n" for k in range(CLASSES)) + f"ignore: {VOID}\n"
    )
    for side in ("truth", "predicted"):
        (folder / side).mkdir()
    for each in range(DIFFERENT):
        for side, mask in zip(("truth", "predicted"), regions(rng), strict=True):
            first = folder / side / f"{each:03}.png"
            Image.fromarray(mask).save(first)
            for number in range(each + DIFFERENT, IMAGES, DIFFERENT):
                os.link(first, folder / side / f"{number:03}.png")


if __name__ == "__main__":
    main()
