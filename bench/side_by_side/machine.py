"""What the figures were measured on, as far as it bears on them."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from intarsia.predict.device import resolve_precision

_TELLING = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")
_PACKAGES = ("intarsia", "segmentation-models-pytorch", "torch", "lightning", "timm", "numpy")


def describe_machine() -> dict[str, Any]:
    model, flags = _cpu()
    return {
        "cpu": model,
        "cpu_flags": [flag for flag in _TELLING if flag in flags],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 2),
        "auto_precision": resolve_precision("auto", torch.device("cpu")),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _cpu() -> tuple[str, set[str]]:
    """Name and instruction sets, where the system tells (Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return facts.get("model name", platform.machine()), set(facts.get("flags", "").split())
