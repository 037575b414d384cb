"""What a network takes on this machine: seconds a picture, and memory where the device tells."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from torch import Tensor

from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.device import Precision, autocast, resolve_precision

_FEWEST, _MOST = 3, 10  # timed passes
_ENOUGH = 1.0  # seconds of them, once there are the fewest


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
    with torch.inference_mode(), autocast(resolve_precision(precision, device), device):
        _seconds(network, image)  # the first pass sets things up
        seconds: list[float] = []
        while len(seconds) < _FEWEST or (sum(seconds) < _ENOUGH and len(seconds) < _MOST):
            seconds.append(_seconds(network, image))
    return statistics.median(seconds)


def _seconds(network: SegmentationNetwork, image: Tensor) -> float:
    started = time.perf_counter()
    network(image)
    _wait(image.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    """Until an accelerator has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
