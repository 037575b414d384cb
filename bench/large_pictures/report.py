"""From the figures to the page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INTRODUCTION = """# Giant pictures

*Written by `python bench/gigapixel.py page` from the figures in [gigapixel.json](gigapixel.json); not edited by hand.*
"""

_COMMAND = """## Run it again

```
python bench/gigapixel.py overhead
OMP_NUM_THREADS=1 python bench/gigapixel.py memory 1 4 16 64
python bench/gigapixel.py page > docs/benchmarks/gigapixel.md
```
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    if "overhead" in results:
        parts.append(_overhead(results["overhead"]))
    if "memory" in results:
        parts.append(_memory(results["memory"]))
    facts = results.get("machine") or results["overhead"]["machine"]
    packages = ", ".join(f"{name} {release}" for name, release in facts["packages"].items())
    parts.append(
        f"## The machine\n\n{facts['cpu']}, {facts['cores']} cores, {facts['threads']} threads, {facts['system']},"
        f" Python {facts['python']}, {packages}; automatic precision {facts['auto_precision']}.\n"
    )
    return "\n".join([*parts, _COMMAND])


def _overhead(found: Mapping[str, Any]) -> str:
    return f"""## What everything beside the network costs

U-Net on ResNet-18, {found["side"]}×{found["side"]} pixels, blended tiles of 512 pixels with 25% overlap, from a
JPEG-compressed tiled TIFF to a Cloud Optimized GeoTIFF; medians of {found["rounds"]} rounds that take turns.

| | seconds |
|---|---|
| the whole way: read, pad, prepare, network, blend, argmax, compress, store, write | {found["seconds"]:.1f} |
| the same {found["tiles"]} tiles shown to the network, and nothing else | {found["network_seconds"]:.1f} |
| **all beside the network** | **{found["overhead"]:.1%}** (by processor time {found["overhead_by_processor"]:.1%}) |
"""


def _memory(rows: Mapping[str, Any]) -> str:
    first = next(iter(rows.values()))
    header = (
        "| gigapixels | pixels a side | peak memory | predicted in | whole time | processor seconds a gigapixel"
        " | the mask | load of the machine |"
    )
    lines = [
        f"| {name} | {row['side']:,} | {row['peak_bytes'] / 1e9:.2f} GB | {row['predict_seconds']:.0f} s |"
        f" {row['seconds']:.0f} s | {row['processor_seconds'] / float(name):.0f} | {row['result_bytes'] / 1e6:.1f} MB |"
        f" {row['load']:.1f} |"
        for name, row in sorted(rows.items(), key=lambda pair: float(pair[0]))
    ]
    return "\n".join(
        [
            "## Memory and time\n",
            f"A virtual picture like a slide: {first['tissue']:.0%} of it shows something, the rest is even glass,"
            f" which is left out (`--skip-flat 0`). A U-Net of four channels, tiles of 1024 pixels, `--memory"
            f" {first['ceiling_bytes'] / 1e9:.0f}GB`, one thread; the peak is that of the process, PyTorch included. A"
            " load above 1 is other work beside it, which the clock's seconds feel more than the processor's.\n",
            header,
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )
