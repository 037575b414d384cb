"""Tensors that differ everywhere, so that a swapped pair would show."""

from __future__ import annotations

from torch import Tensor, nn


def randomise(network: nn.Module) -> dict[str, Tensor]:
    """Give a network's weights of one dimension, its biases and its running statistics random values.

    Returns:
        Its state dict; larger weights are as random as the network made them.
    """
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
    return state
