"""Which input rows and columns can reach a feature: what each torch operation does to these intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64
from torch import Tensor

_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Span:
    """For each index along one axis of a tensor, the first and last input index that can reach it."""

    first: Int64[np.ndarray, "length"]
    last: Int64[np.ndarray, "length"]

    def gather(self, indices: Int64[np.ndarray, "out taps"], valid: Bool[np.ndarray, "out taps"] | None = None) -> Span:
        """The hull of the spans at the ``valid`` indices; those beyond the ends are padding, which nothing reaches."""
        inside = (indices >= 0) & (indices < len(self.first))
        valid = inside if valid is None else inside & valid
        indices = np.where(valid, indices, 0)
        return Span(
            np.where(valid, self.first[indices], _FAR).min(axis=1), np.where(valid, self.last[indices], -1).max(axis=1)
        )

    def hull(self, other: Span) -> Span:
        """The smallest spans that contain both."""
        return Span(np.minimum(self.first, other.first), np.maximum(self.last, other.last))


Axes = dict[int, Span]
"""Spans by dimension of the tensor; 2 and 3 while it is [B, C, H, W]."""

Reach = Axes | None
"""None is the whole image."""


def whole_axes(image: Tensor) -> Axes:
    """The reach of the input [B, C, H, W] itself: every pixel reaches its own place only."""
    return {dim: Span(np.arange(image.shape[dim]), np.arange(image.shape[dim])) for dim in (2, 3)}


# Rules: (the reaches of the tensors that have one, the output, the operation's own arguments) → the output's reach.


def _pointwise(reaches: list[Axes], output: Tensor, *_: Any, **__: Any) -> Reach:
    hull = reaches[0]
    for reach in reaches[1:]:
        if reach.keys() != hull.keys():
            return None
        hull = {dim: span.hull(reach[dim]) for dim, span in hull.items()}
    fits = all(output.ndim > dim and output.shape[dim] == len(span.first) for dim, span in hull.items())
    return hull if fits else None


def _slide(span: Span, length: int, size: int, stride: int, padding: int, dilation: int = 1) -> Span:
    positions, taps = np.arange(length)[:, None], np.arange(size) * dilation
    return span.gather(positions * stride - padding + taps)


def _slide_transposed(span: Span, length: int, size: int, stride: int, padding: int, dilation: int) -> Span:
    positions, taps = np.arange(length)[:, None], np.arange(size) * dilation
    offsets = positions + padding - taps
    return span.gather(offsets // stride, offsets % stride == 0)


def _windows(slide: Callable[..., Span], reaches: list[Axes], output: Tensor, *settings: Any) -> Reach:
    """``slide`` along both image axes, each with its own of the ``settings``."""
    if reaches[0].keys() != {2, 3}:
        return None
    return {
        dim: slide(reaches[0][dim], output.shape[dim], *(_of_axis(value, dim - 2) for value in settings))
        for dim in (2, 3)
    }


def _of_axis(value: Any, axis: int) -> int:
    return int(value[axis] if isinstance(value, list | tuple) else value)


def _conv2d(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Reach:
    size = tuple(weight.shape[2:])
    if padding == "valid":
        padding = 0
    elif padding == "same":  # PyTorch puts the odd pixel on the far side
        padding = tuple((_of_axis(dilation, axis) * (size[axis] - 1)) // 2 for axis in (0, 1))
    return _windows(_slide, reaches, output, size, stride, padding, dilation)


def _conv_transpose2d(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Reach:
    return _windows(_slide_transposed, reaches, output, tuple(weight.shape[2:]), stride, padding, dilation)


def _max_pool2d(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **_: Any,
) -> Reach:
    return _windows(_slide, reaches, output, kernel_size, stride or kernel_size, padding, dilation)


def _avg_pool2d(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    *_: Any,
    **__: Any,
) -> Reach:
    return _windows(_slide, reaches, output, kernel_size, stride or kernel_size, padding)


def _pad(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: Any = None,
) -> Reach:
    # Repeated and mirrored borders bring in only pixels nearer than the border itself: as good as nothing.
    if mode == "circular" or len(pad) > 4:
        return None
    left, top = pad[0], pad[2] if len(pad) == 4 else 0
    return _windows(_slide, reaches, output, 1, 1, (top, left))


def _interpolate(
    reaches: list[Axes],
    output: Tensor,
    image: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Reach:
    if mode not in ("nearest", "bilinear") or antialias:
        return None
    return {dim: _resized(span, output.shape[dim], mode, bool(align_corners)) for dim, span in reaches[0].items()}


def _resized(span: Span, length: int, mode: str, align_corners: bool) -> Span:
    old, new = len(span.first), np.arange(length)
    if mode == "nearest":
        return span.gather((new * old // length)[:, None])
    centers = new * (old - 1) / max(length - 1, 1) if align_corners else (new + 0.5) * old / length - 0.5
    below = np.floor(np.maximum(centers, 0)).astype(np.int64)
    above = np.minimum(below + (centers > below), old - 1)
    return span.gather(np.stack([below, above], axis=1))


def _cat(reaches: list[Axes], output: Tensor, tensors: Any, dim: int = 0) -> Reach:
    return None if dim % output.ndim in reaches[0] else _pointwise(reaches, output)


def _split(reaches: list[Axes], output: Tensor, image: Tensor, sizes: Any, dim: int = 0) -> Reach:
    return None if dim % output.ndim in reaches[0] else reaches[0]


def _getitem(reaches: list[Axes], output: Tensor, image: Tensor, index: Any) -> Reach:
    index = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, slice) or part is ... for part in index):
        return None
    if ... in index:
        at = index.index(...)
        index = (*index[:at], *[slice(None)] * (image.ndim - len(index) + 1), *index[at + 1 :])
    kept = dict(enumerate(index))
    return {
        dim: Span(span.first[kept.get(dim, slice(None))], span.last[kept.get(dim, slice(None))])
        for dim, span in reaches[0].items()
    }


def _permute(reaches: list[Axes], output: Tensor, image: Tensor, *dims: Any) -> Reach:
    order = [int(dim) for dim in (dims[0] if isinstance(dims[0], list | tuple) else dims)]
    return {new: reaches[0][old] for new, old in enumerate(order) if old in reaches[0]}


def _layer_norm(
    reaches: list[Axes], output: Tensor, image: Tensor, normalized_shape: Sequence[int], *_: Any, **__: Any
) -> Reach:
    return _within_last(len(normalized_shape), reaches[0], output)


def _linear(reaches: list[Axes], output: Tensor, *_: Any) -> Reach:
    return _within_last(1, reaches[0], output)


def _within_last(count: int, reach: Axes, output: Tensor) -> Reach:
    """For what mixes the last ``count`` dimensions, which must not be the image's."""
    return None if any(dim >= output.ndim - count for dim in reach) else reach


# fmt: off
_POINTWISE = (
    "add", "batch_norm", "clamp", "clone", "contiguous", "div", "dropout", "dropout2d", "elu", "float", "gelu",
    "hardsigmoid", "hardswish", "hardtanh", "iadd", "imul", "isub", "leaky_relu", "mish", "mul", "neg", "radd", "relu",
    "relu6", "rmul", "sigmoid", "silu", "sub", "tanh", "to", "truediv",
)
# fmt: on
Rules = Mapping[str, Callable[..., Reach]]
"""By the name of a torch function."""

RULES: Rules = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "pad": _pad,
    "interpolate": _interpolate,
    "cat": _cat,
    "permute": _permute,
    "split": _split,
    "chunk": _split,
    "getitem": _getitem,
    "layer_norm": _layer_norm,
    "linear": _linear,
}


def _interpolate_on_grid(reaches: list[Axes], output: Tensor, image: Tensor, *settings: Any, **named: Any) -> Reach:
    aligned = settings[3] if len(settings) > 3 else named.get("align_corners")
    return None if aligned and output.shape != image.shape else _interpolate(reaches, output, image, *settings, **named)


# Aligned corners shift what is resized by an amount that depends on the image's size, by too little for the rows and
# columns that a pixel can depend on to tell.
GRID_RULES: Rules = {**RULES, "interpolate": _interpolate_on_grid}
"""The same, but what does not move with the image's grid looks everywhere."""
