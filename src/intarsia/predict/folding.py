"""Batch normalisation folded into the convolution before it: for prediction both are one linear map."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from intarsia.nn.conv import BatchNorm2d


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call] # PyTorch leaves it untyped
    """Inside a ``with`` block, remembers every operation and the tensors it takes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # PyTorch leaves it untyped
        self._uses: defaultdict[int, list[tuple[Any, Any]]] = defaultdict(list)
        self._alive: list[Any] = []  # for an id belongs to one tensor only while it lives

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = {id(leaf): leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for key in given:
            self._uses[key].append((operation, kwargs.get("dtype")))
        self._alive.extend(given.values())
        return operation(*args, **kwargs)

    def uses(self, tensor: Tensor) -> list[tuple[Any, Any]]:
        """The operations that took this very tensor, each with the dtype it was asked for, if for any."""
        return self._uses[id(tensor)]


@torch.no_grad()
def fold_batch_norms(network: nn.Module, image: Tensor) -> None:
    """Change a network in evaluation mode so that its convolutions do the work of the normalisations after them.

    Which belong together is seen in a pass of ``image``, not read off the network's structure: a normalisation is
    folded if what it takes is what a convolution returned, nothing else takes it, and both act once in the pass.
    Others stay as they are.

    Args:
        network: float32; changed in place.
        image: a small batch [B, C, H, W] that it takes.
    """
    for conv, norm, after in _pairs(network, image):
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        replace_module(network, norm, after)


def _pairs(network: nn.Module, image: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d, nn.Module]]:
    """Convolution, normalisation, and what is left of the latter."""
    returned: dict[int, nn.Module] = {}
    outputs: defaultdict[nn.Module, list[Tensor]] = defaultdict(list)
    inputs: defaultdict[nn.BatchNorm2d, list[Tensor]] = defaultdict(list)

    def convolved(conv: nn.Module, _: Any, output: Tensor) -> None:
        returned[id(output)] = conv
        outputs[conv].append(output)

    def normalizing(norm: nn.Module, given: tuple[Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        inputs[norm].append(given[0])

    hooks = []
    for module in network.modules():
        if module._forward_hooks:
            continue  # someone looks at what it returns
        if type(module) is nn.Conv2d:  # and no subclass, which may do more: standardize its weights, say
            hooks.append(module.register_forward_hook(convolved))
        elif isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            hooks.append(module.register_forward_pre_hook(normalizing))
    with Watch() as watch:
        network(image)
    for hook in hooks:
        hook.remove()
    pairs = []
    for norm, given in inputs.items():
        conv, after = returned.get(id(given[0])), _after(norm)
        if conv and after and len(given) == len(outputs[conv]) == len(watch.uses(given[0])) == 1:
            assert isinstance(conv, nn.Conv2d)
            pairs.append((conv, norm, after))
    return pairs


def _after(norm: nn.BatchNorm2d) -> nn.Module | None:
    """What a normalisation does after normalizing, None where that is not known."""
    if type(norm) in (nn.BatchNorm2d, BatchNorm2d):
        return nn.Identity()
    # timm's, with an activation inside; told by its name, for a network without it need not wait for timm's import.
    activation = getattr(norm, "act", None)
    return activation if type(norm).__name__ == "BatchNormAct2d" and isinstance(activation, nn.Module) else None


def replace_module(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put ``new`` wherever ``old`` is within a network."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
