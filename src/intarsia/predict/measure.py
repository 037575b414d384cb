"""What a network takes on this machine: seconds a picture, and memory where the device tells."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.device import Precision, autocast, resolve_precision

_WARM_UP, _TIMED = 2, 5


def seconds_a_picture(
    network: SegmentationNetwork, channels: int, side: int, device: torch.device, precision: Precision = "auto"
) -> float:
    """The median time of a forward pass on one picture, from the prepared picture to the network's output.

    Args:
        network: in evaluation mode, on ``device``.
        channels: of the picture.
        side: its height and width in pixels.
        device: where the network is.
        precision: see :func:`~intarsia.predict.device.resolve_precision`.
    """
    random = np.random.default_rng(0).random((1, channels, side, side), dtype=np.float32)
    image = torch.from_numpy(random).to(device).contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.inference_mode(), autocast(resolve_precision(precision, device), device):
        for _ in range(_WARM_UP + _TIMED):
            started = time.perf_counter()
            network(image)
            _wait(device)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[_WARM_UP:])


def _wait(device: torch.device) -> None:
    """Until an accelerator has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
