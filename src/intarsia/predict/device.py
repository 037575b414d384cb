"""Where to compute, and in which precision."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

import torch

from intarsia.errors import RecipeError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "bf16", "fp32"]


def resolve_device(name: str = "auto") -> torch.device:
    """The device a name stands for; "auto" is the GPU where there is one, else the CPU.

    Raises:
        RecipeError: the name is unknown, or names hardware this machine does not have.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if name not in present:
        raise RecipeError(f"there is no device {name!r}", where="device", remedy="Choose auto, cpu, cuda or mps")
    if not present[name]:
        raise RecipeError(
            f"PyTorch finds no {name} device on this machine", where="device", remedy="Use `--device auto` or `cpu`"
        )
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """What computes, for people: a GPU's name, or the processor's and how many threads work on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'' if threads == 1 else 's'}"


def free_memory(device: torch.device) -> int | None:
    """The bytes a GPU has free, those included that PyTorch holds and does not use; None where the memory is shared
    with the processor.
    """
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _processor() -> str:
    """The processor's name where the system tells it (Linux), else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() == "model name"]
    return names[0] if names else platform.machine()


def gains_from_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16 natively; where it only emulates, bf16 is slower than fp32.

    The instruction sets are asked, never a stopwatch: a timing would make the same run differ from day to day.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # The only place PyTorch exposes these two bits; an older or newer build without them computes in fp32.
        probes = (getattr(torch.cpu, f"_is_{kind}_supported", None) for kind in ("avx512_bf16", "amx_tile"))
        return any(probe is not None and probe() for probe in probes)
    return False


def resolve_precision(precision: Precision, device: torch.device) -> Literal["bf16", "fp32"]:
    """ "auto" is bf16 autocast where the hardware gains from it, else fp32."""
    if precision == "auto":
        return "bf16" if gains_from_bf16(device) else "fp32"
    return precision


def autocast(precision: Literal["bf16", "fp32"], device: torch.device) -> AbstractContextManager[object]:
    """Mixed precision for the network's forward pass, or nothing at all."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
