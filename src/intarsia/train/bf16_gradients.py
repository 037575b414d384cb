"""A way around wrong weight gradients on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def keep_gradients_right(network: nn.Module) -> None:
    """Have grouped, dilated convolutions compute in the memory order in which their gradients are right.

    On processors with bfloat16, PyTorch 2.14 returns weight gradients of dilated convolutions in groups that hold
    whatever the memory held before, if picture or weights are in ``torch.channels_last``. Separable ASPP and dilated
    MobileNets, EfficientNets and Xceptions are made of these. In the plain order the gradients are right; turning the
    features over and back costs less than doing without bfloat16.

    Args:
        network: changed in place; what it computes stays the same.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1 and max(module.dilation) > 1:
            # Copied, for with one channel a group `contiguous()` takes either order for the plain one.
            module.weight.data = module.weight.data.clone(memory_format=torch.contiguous_format)
            module.register_forward_pre_hook(_in_plain_order)


def _in_plain_order(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor, ...] | None:
    return tuple(each.contiguous() for each in inputs) if module.training else None
