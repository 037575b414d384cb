"""What bf16 autocast and channels_last are worth on this machine: seconds of one training step, side by side.

Run as ``python bench/precision.py``. Rounds are interleaved, so that a machine that slows down slows every row; the
median step of each row is printed, and its ratio to plain fp32.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import torch

from intarsia import architectures
from intarsia.losses import build_loss
from intarsia.predict.device import autocast, gains_from_bf16

ROUNDS = 7
BATCH, SIDE = 8, 224
NETWORKS: dict[str, dict[str, Any]] = {
    "U-Net, width 16": {"base_width": 16},
    "U-Net on resnet18": {"encoder": "resnet18"},
}


def step(arguments: dict[str, Any], precision: str, channels_last: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = architectures.build("unet", in_channels=1, num_classes=2, **arguments).to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters())
    loss = build_loss()
    image = torch.randn(BATCH, 1, SIDE, SIDE).contiguous(memory_format=layout)
    target = torch.randint(0, 2, (BATCH, SIDE, SIDE), dtype=torch.int16)

    def run() -> None:
        with autocast("bf16" if precision == "bf16" else "fp32", torch.device("cpu")):
            value = loss(network(image), target)
        torch.autograd.backward(value)
        optimizer.step()
        optimizer.zero_grad()

    return run


def main() -> None:
    print(f"{torch.get_num_threads()} threads; native bf16: {gains_from_bf16(torch.device('cpu'))}")
    print(f"one training step, batch {BATCH} of {SIDE}×{SIDE}, median of {ROUNDS} interleaved rounds")
    for name, arguments in NETWORKS.items():
        variants = {pair: step(arguments, *pair) for pair in product(("fp32", "bf16"), (False, True))}
        seconds: dict[tuple[str, bool], list[float]] = {pair: [] for pair in variants}
        for _ in range(ROUNDS + 1):
            for pair, run in variants.items():
                start = time.perf_counter()
                run()
                seconds[pair].append(time.perf_counter() - start)
        plain = statistics.median(seconds["fp32", False][1:])
        for (precision, channels_last), times in seconds.items():
            median = statistics.median(times[1:])
            layout = "channels last" if channels_last else "contiguous"
            print(f"  {name:20} {precision} {layout:14} {median:6.3f} s   {plain / median:4.2f}× fp32 contiguous")


if __name__ == "__main__":
    main()
