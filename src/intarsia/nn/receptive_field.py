"""How far a network looks: the largest window of the input that one output pixel can depend on.

One forward pass without numbers (on PyTorch's meta device) is followed operation by operation. Each tensor carries, for
every index along its two image axes, the first and last input row (column) that can reach it; operations that look
sideways — convolution, pooling, resizing — widen these intervals. An operation not known here counts as looking
everywhere, so the result can be too large but never too small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from intarsia.nn.dry_run import dry_run
from intarsia.nn.reach import GRID_RULES, RULES, Axes, Reach, Rules, whole_axes
from intarsia.types import SemanticLogits

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
    for size, reach in _probes(network, in_channels, stride, RULES):
        side = max(int((span.last - span.first + 1).max()) for span in reach.values())
        # Borders cut windows short, but with a stride of slack every phase of the grid has its full one somewhere.
        if side <= size - stride:
            return side
    return None


class Margin(NamedTuple):
    """How far the window of an output pixel reaches at most, in pixels: before it (up, left) and after it."""

    before: int
    after: int


def margin(network: nn.Module, in_channels: int, stride: int) -> Margin | None:
    """What a tile must hold around a pixel so that the network gives it the same logits as in the whole picture.

    That takes more than a bounded window: windows must move with the picture's grid. They do not where features are
    resized with aligned corners, which shifts each by an amount that depends on the picture's size.

    Args:
        network: as for :func:`receptive_field`.
        in_channels: of the image.
        stride: as for :func:`receptive_field`.

    Returns:
        The margin, or None where there is none: a pixel depends on the whole image or on more than 16,000 pixels, or on
        where in the image it lies.
    """
    for size, reach in _probes(network, in_channels, stride, GRID_RULES):
        pixels = np.arange(size)
        before = max(int((pixels - span.first).max()) for span in reach.values())
        after = max(int((span.last - pixels).max()) for span in reach.values())
        if before + after + 2 * stride > size:
            continue
        inner = slice(before, size - after - stride)  # where borders cut no window short, nor one a stride on
        moved = slice(inner.start + stride, inner.stop + stride)
        follows = all(
            (ends[moved] - ends[inner] == stride).all() for span in reach.values() for ends in (span.first, span.last)
        )
        return Margin(before, after) if follows else None
    return None


def _probes(network: nn.Module, in_channels: int, stride: int, rules: Rules) -> Iterator[tuple[int, Axes]]:
    """Ever larger images, and what reaches the output's pixels in each; ends where that is the whole image."""
    size = max(_SMALLEST_PROBE, 2 * stride) // stride * stride
    while size <= _LARGEST_PROBE:
        follow = _Follow(rules)
        output = dry_run(network, (1, in_channels, size, size), follow.starting_with)
        reach = follow.of(output.logits if isinstance(output, SemanticLogits) else output)
        if reach is None:
            return
        yield size, reach
        size *= 2


class _Follow(TorchFunctionMode):
    """Carries reaches through every torch operation called while it is active, starting from an image."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self._rules = rules
        # Tensors are kept alongside, for the id of a freed one may be given to another.
        self._known: dict[int, tuple[Tensor, Reach]] = {}

    def starting_with(self, image: Tensor) -> _Follow:
        """This mode itself, once it knows the image."""
        self._remember(image, whole_axes(image))
        return self

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
        rule = self._rules.get(func.__name__.strip("_"))
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
