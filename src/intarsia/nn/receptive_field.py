"""How far a network looks: the largest window of the input that one output pixel can depend on.

One forward pass without numbers (on PyTorch's meta device) is followed operation by operation. Each tensor carries, for
every index along its two image axes, the first and last input row (column) that can reach it; operations that look
sideways — convolution, pooling, resizing — widen these intervals. An operation not known here counts as looking
everywhere, so the result can be too large but never too small.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from intarsia.nn.reach import RULES, Reach, whole_axes
from intarsia.ops.mask_queries import semantic_scores
from intarsia.types import MaskQueries, Output, SemanticLogits

_SMALLEST_PROBE = 256
_LARGEST_PROBE = 16384


def receptive_field(network: nn.Module, in_channels: int, stride: int) -> int | None:
    """The side in pixels of the largest square window of the input that one output pixel can depend on, in evaluation.

    Weights are not looked at: one that happens to be zero makes no difference.

    Args:
        network: from a float image [B, C, H, W] to logits at its size, as a tensor or :class:`SemanticLogits`.
        in_channels: of the image.
        stride: pixels after which the network's grid repeats (the stride of its coarsest features).

    Returns:
        The side, at least 1, or None where a pixel depends on the whole image (global pooling, normalisation over the
        image, attention) or on more than 16,000 pixels.
    """
    state = {
        name: tensor.to("meta") for name, tensor in itertools.chain(network.named_parameters(), network.named_buffers())
    }
    dtype = next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.float32)
    size = max(_SMALLEST_PROBE, 2 * stride) // stride * stride
    while size <= _LARGEST_PROBE:
        image = torch.empty(1, in_channels, size, size, dtype=dtype, device="meta")
        with torch.no_grad(), _evaluating(network), _Follow(image) as reaches:
            output = torch.func.functional_call(network, state, (image,))
            scores = _scores(output)
        reach = reaches.of(scores)
        if reach is None:
            return None
        side = max(int((span.last - span.first + 1).max()) for span in reach.values())
        # Borders cut windows short, but with a stride of slack every phase of the grid has its full one somewhere.
        if side <= size - stride:
            return side
        size *= 2
    return None


def _scores(output: Tensor | Output) -> Tensor:
    if isinstance(output, MaskQueries):
        return semantic_scores(output)
    return output.logits if isinstance(output, SemanticLogits) else output


@contextlib.contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


class _Follow(TorchFunctionMode):
    """Carries reaches through every torch operation called while it is active, starting from ``image``."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        # Tensors are kept alongside, for the id of a freed one may be given to another.
        self._known: dict[int, tuple[Tensor, Reach]] = {}
        self._remember(image, whole_axes(image))

    def of(self, tensor: Tensor) -> Reach:
        return self._known[id(tensor)][1]

    def _remember(self, tensor: Tensor, reach: Reach) -> None:
        self._known[id(tensor)] = (tensor, reach)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        reaches = [self.of(value) for value in _tensors((*args, *kwargs.values())) if id(value) in self._known]
        if not reaches:
            return result
        rule = RULES.get(func.__name__.strip("_"))
        # What returns nothing is an assignment to part of its first argument, which no rule follows.
        for output in _tensors([result] if result is not None else args[:1]):
            known = [reach for reach in reaches if reach is not None]
            reach = None if rule is None or len(known) < len(reaches) else rule(known, output, *args, **kwargs)
            self._remember(output, reach)
        return result


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(_tensors(value))
    return found
