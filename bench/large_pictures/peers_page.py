"""From the figures to the page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INTRODUCTION = """# Predicting large pictures, beside other sliding windows

*Written by `python bench/tiling_peers.py --markdown` from the figures in [prediction.json](prediction.json); not edited
by hand.*

Every program labels the same RGB picture, which is in memory as uint8, with the same U-Net on ResNet-18 and 19 classes
(the very same prepared network, fp32), each in a process of its own that may take 20 GB. What differs is how they cut,
blend and hold it: all with tiles of 512 pixels, 25% overlap where they overlap and a Gaussian where they weigh, but for
exact tiles, which are 2,048 pixels wide and count in the middle only.
"""

_METHOD = """**Peak memory** is that of the whole process: PyTorch, the network, and the picture itself are in it.
**Differs** is the share of pixels whose class is not the one the network gives them in the picture shown whole, counted
in the upper left 1,536 rows and columns, of the smallest picture in all of it; *at seams* within 8 pixels of where
tiles of 512 pixels side by side meet. The weights are random, so that classes change everywhere and every disturbance
shows; a trained network's masks differ less.

Both MONAI and Intarsia weigh by the same Gaussian and lift tiny weights to a thousandth of the largest. MONAI lifts the
product of both axes, so that where four tiles meet their rims count as much as their middles; Intarsia lifts each axis
by itself. With that one difference undone (*weights lifted by axes*, smallest picture) MONAI's labels differ as little.

To draw the largest picture takes more memory for a moment than to predict it in tiles: 3.5 GB of its peaks are that.

SAHI slices pictures for object detectors and merges boxes; it has no semantic output, so it takes no part.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for side, rows in results["sides"].items():
        parts.append(f"## {int(side):,}×{int(side):,} pixels\n\n{_table(rows)}")
    facts = results["machine"]
    machine = f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} threads, Python {facts['python']}"
    parts += [_METHOD, f"## The machine\n\n{machine}, PyTorch {facts['packages']['torch']}.\n"]
    command = "python bench/tiling_peers.py\npython bench/tiling_peers.py --markdown > docs/benchmarks/prediction.md"
    return "\n".join([*parts, f"## Run it again\n\n```\n{command}\n```\n"])


def _table(rows: Mapping[str, Any]) -> str:
    lines = ["| program | time | peak memory | differs | at seams |", "|---|---|---|---|---|"]
    for name, row in rows.items():
        if "failed" in row:
            lines.append(f"| {name} | {row['failed']} | | | |")
            continue
        lines.append(
            f"| {name} | {row['seconds']:.1f} s | {row['peak_bytes'] / 1e9:.2f} GB |"
            f" {row['differs']:.3%} | {row['differs_at_seams']:.3%} |"
        )
    return "\n".join([*lines, ""])
