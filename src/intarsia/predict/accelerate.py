"""The same function in fewer and faster steps: what can be worked out once need not be for each picture."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from intarsia.nn.network import SegmentationNetwork
from intarsia.predict.depthwise import SpreadDepthwise, is_slow
from intarsia.predict.device import autocast
from intarsia.predict.folding import Watch, fold_batch_norms, replace_module

_SIDE = 64  # of the noise it is tried on
_TOLERANCE = 1e-3  # of the largest logit; rounding alone stays well below


@torch.no_grad()
def accelerate(
    network: SegmentationNetwork, channels: int, precision: Literal["bf16", "fp32"] = "fp32"
) -> SegmentationNetwork:
    """A copy of a network that predicts the same and faster; it is good for nothing else.

    - It is laid out with channels innermost (``torch.channels_last``).
    - Batch normalisations are folded into the convolutions before them (:mod:`intarsia.predict.folding`).
    - On a CPU, depthwise convolutions of wide dilation are computed as undilated ones
      (:mod:`intarsia.predict.depthwise`).
    - For bf16 the weights that autocast would round for each picture are stored rounded, so it must be run under
      :func:`~intarsia.predict.device.autocast`.

    It is tried on noise beside the network itself. Should they differ by more than rounding, as a network might that
    behaves unlike any known here, the copy has only the layout and the rounded weights.

    Args:
        network: in evaluation mode, float32; not changed, nor by anything done to the copy.
        channels: of its images.
        precision: in which the copy will be run.
    """
    device = next(network.parameters()).device
    noise = torch.randn(1, channels, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0)).to(device)
    noise = noise.contiguous(memory_format=torch.channels_last)
    fast = _copy(network)
    fold_batch_norms(fast, noise)
    if device.type == "cpu":
        for module in list(fast.modules()):
            if is_slow(module):
                assert isinstance(module, nn.Conv2d)
                replace_module(fast, module, SpreadDepthwise(module))
    with _without_cudnn():
        alike = _alike(fast(noise), network(noise))
    if not alike:
        fast = _copy(network)
    for parameter in fast.parameters():
        if parameter.ndim == 4:  # Module.to would ask the same of those of five dimensions, which cannot be
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    if precision == "bf16":
        _store_rounded(fast, noise)
    return fast


@contextlib.contextmanager
def _without_cudnn() -> Iterator[None]:
    """Convolve in float32 on a GPU: cuDNN does so in TF32 by default, whose rounding would be taken for a difference.

    It is switched off as a whole, for what tells it to leave TF32 alone differs from version to version of PyTorch, and
    refuses to be read after some settings.
    """
    before = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before


def _copy(network: SegmentationNetwork) -> SegmentationNetwork:
    return copy.deepcopy(network).eval().requires_grad_(False)


def _alike(found: object, expected: object) -> bool:
    return all(
        bool(((one - other).abs() <= _TOLERANCE * other.abs().max()).all())
        for one, other in zip(tree_leaves(found), tree_leaves(expected), strict=True)
        if isinstance(other, Tensor)
    )


def _store_rounded(network: nn.Module, image: Tensor) -> None:
    """Round to bfloat16 the parameters that autocast rounds whenever they are used, so the result is the very same."""
    with Watch() as watch, autocast("bf16", image.device):
        network(image)
    rounding = (torch.ops.aten._to_copy.default, torch.bfloat16)
    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            uses = watch.uses(parameter)
            if uses and all(use == rounding for use in uses):
                setattr(module, name, nn.Parameter(parameter.to(torch.bfloat16), requires_grad=False))
