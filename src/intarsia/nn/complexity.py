"""What a network costs, counted without running it: parameters, multiplications, memory."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from intarsia.nn.dry_run import dry_run


def count_parameters(network: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, in_channels: int, height: int, width: int) -> int:
    """Multiply-accumulate operations of one image in evaluation: of convolutions, matrix products and attention.

    Normalisations, activations and resizing are not counted, as is customary; papers that say FLOPs often mean these.

    Args:
        network: on any device, PyTorch's meta device included; it is not run.
        in_channels: of the image.
        height: of the image, ≥ 1.
        width: of the image, ≥ 1.
    """
    counter = FlopCounterMode(display=False)
    dry_run(network, (1, in_channels, height, width), lambda image: counter)
    return counter.get_total_flops() // 2


def peak_memory(network: nn.Module, in_channels: int, height: int, width: int) -> int:
    """Bytes of the weights and of the most that is alive at once while one image is evaluated, in the weights' dtype.

    Every tensor PyTorch makes is counted while anything holds on to it; what libraries below PyTorch take for
    themselves is not.

    Args:
        network: see :func:`count_macs`.
        in_channels: of the image.
        height: of the image, ≥ 1.
        width: of the image, ≥ 1.
    """
    state = itertools.chain(network.parameters(), network.buffers())
    weights = sum(tensor.numel() * tensor.element_size() for tensor in state)
    alive = _Alive()
    dry_run(network, (1, in_channels, height, width), alive.starting_with)
    return weights + alive.most


class _Alive(TorchDispatchMode):
    """Adds up the storages that operations under it make, and takes them off when nothing holds them any more."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch has not annotated it
        self.now = 0
        self.most = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def starting_with(self, image: Tensor) -> _Alive:
        """This mode itself, once the image is counted."""
        self._add(image.untyped_storage())
        return self

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # What is given and was not made under this mode is a weight: counted apart, and so are its views (its transpose
        # in a linear layer) no new tensors.
        self._seen.update(_storages((args, kwargs)))
        result = func(*args, **kwargs)
        for storage in _storages(result):
            self._add(storage)
        return result

    def _add(self, storage: Any) -> None:
        if storage in self._seen:  # a view, or written in place
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.now -= size


def _storages(tree: Any) -> list[Any]:
    return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
