"""One evaluation without numbers, on PyTorch's meta device: shapes only, so it costs no time and no memory."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn


def dry_run(
    network: nn.Module,
    shape: tuple[int, int, int, int],
    watch: Callable[[Tensor], contextlib.AbstractContextManager[Any]],
) -> Any:
    """Evaluate a network on an image of nothing but a shape; the network and its mode are left as they were.

    Args:
        network: on any device; its weights are not looked at.
        shape: of the image, [B, C, H, W].
        watch: given the image, makes the context in which the network runs.

    Returns:
        What the network returned, its tensors on the meta device.
    """
    named = itertools.chain(network.named_parameters(), network.named_buffers())
    state = {name: tensor.detach().to("meta") for name, tensor in named}
    dtype = next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.float32)
    image = torch.empty(shape, dtype=dtype, device="meta")
    with torch.no_grad(), _evaluating(network), watch(image):
        return torch.func.functional_call(network, state, (image,))


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
