"""The guided filter: class probabilities smoothed along the picture's edges, never across them.

He, Sun & Tang, Guided Image Filtering, ECCV 2010 and TPAMI 2013. In each window the output is a linear function of the
picture, q = a·I + b, fitted to the probabilities by ridge regression (§3.1, eq. 4–6; for several channels §3.5,
eq. 13–15); each pixel takes the mean of all windows it lies in (eq. 8). The time does not depend on the radius.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from intarsia.errors import RecipeError, ShapeError
from intarsia.ops.jit import jit


def guided_refine(
    image: UInt8[np.ndarray, "_ _ channels"] | UInt16[np.ndarray, "_ _ channels"],
    probabilities: Float32[np.ndarray, "classes height width"],
    radius: int = 8,
    epsilon: float | int = 1e-3,
) -> Float32[np.ndarray, "classes height width"]:
    """Let the borders between classes follow the edges of the picture.

    What the filter gives sums to 1 but may leave [0, 1] where an edge is steep; it is cut off there and scaled anew.
    Beside the result, a picture in colors takes about 140 bytes a pixel.

    Args:
        image: uint8 or uint16 [H, W, C], gray, in colors, or of any other number of channels.
        probabilities: [K, H, W] in [0, 1], summing to 1 over K.
        radius: windows have 2·radius + 1 pixels a side, as far as they lie in the picture; ≥ 1.
        epsilon: the variance, of pixel values in [0, 1], from which on an edge is kept; > 0.

    Returns:
        The refined probabilities.

    Raises:
        ShapeError: a picture of another size than the probabilities, or of another dtype.
        RecipeError: a radius or epsilon out of range.
    """
    if image.shape[:2] != probabilities.shape[1:] or image.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"the picture is {image.dtype} {list(image.shape)}, the probabilities are {list(probabilities.shape)}",
            where="guided filter",
            remedy="Give uint8 or uint16 [height, width, channels] and [classes, height, width] of one size",
        )
    if radius < 1 or not 0 < epsilon < np.inf:
        raise RecipeError(
            f"found radius {radius}, epsilon {epsilon:g}",
            where="guided filter",
            remedy="Give a radius of 1 or more and an epsilon above 0, 0.001 say",
        )
    guide = np.ascontiguousarray(image.transpose(2, 0, 1), np.float64) / np.iinfo(image.dtype).max
    channels, height, width = guide.shape
    reach = min(radius, max(height, width))
    means, inverses = np.empty_like(guide), np.empty((channels, channels, height, width), np.float64)
    _describe_windows(guide, reach, epsilon, means, inverses)
    lines = np.empty((channels + 1, height, width), np.float32)
    refined = np.empty(probabilities.shape, np.float32)
    for probability, result in zip(np.ascontiguousarray(probabilities), refined, strict=True):
        _fit_windows(guide, means, inverses, probability, reach, lines)
        _apply_means(guide, lines, reach, result)
    np.maximum(refined, 0, out=refined)
    refined /= refined.sum(axis=0)
    return refined


# Each loop below slides down the picture, row by row: what enters the windows is added to the sums of their columns,
# what leaves is taken away. Rows stay in the cache, and the innermost loops, over a row, are vectorized.


@jit
@no_type_check
def _describe_windows(guide, radius, epsilon, means, inverses):
    """The mean of the guide [C, H, W] in the window around each pixel, and (Σ + εU)⁻¹ of its covariance Σ."""
    channels, height, width = guide.shape
    columns = np.zeros((channels + channels * channels, width), np.float64)
    sums, prefix = np.empty_like(columns), np.empty(width + 1, np.float64)
    for y in range(-radius, height):
        for sign, row in ((1, y + radius), (-1, y - radius - 1)):
            if 0 <= row < height:
                for i in range(channels):
                    for x in range(width):
                        columns[i, x] += sign * guide[i, row, x]
                    for j in range(channels):
                        for x in range(width):
                            columns[channels + i * channels + j, x] += sign * guide[i, row, x] * guide[j, row, x]
        if y >= 0:
            _average(columns, min(y + radius + 1, height) - max(y - radius, 0), radius, prefix, sums)
            for i in range(channels):
                means[i, y] = sums[i]
                for j in range(channels):
                    for x in range(width):
                        inverses[i, j, y, x] = sums[channels + i * channels + j, x] - sums[i, x] * sums[j, x]
                inverses[i, i, y] += epsilon
            _invert(inverses, y)


@jit
@no_type_check
def _invert(matrices, y):
    """Invert the positive definite matrices of one row of [C, C, H, W] in place: Gauss-Jordan without pivoting."""
    size, width = matrices.shape[0], matrices.shape[3]
    for x in range(width):
        for k in range(size):
            pivot = 1 / matrices[k, k, y, x]
            matrices[k, k, y, x] = 1
            for j in range(size):
                matrices[k, j, y, x] *= pivot
            for i in range(size):
                if i != k:
                    factor = matrices[i, k, y, x]
                    matrices[i, k, y, x] = 0
                    for j in range(size):
                        matrices[i, j, y, x] -= factor * matrices[k, j, y, x]


@jit
@no_type_check
def _fit_windows(guide, means, inverses, probability, radius, lines):
    """Fit a line in each window: the slope of each channel and the value at black, [C + 1, H, W] (eq. 14 and 15)."""
    channels, height, width = guide.shape
    columns = np.zeros((channels + 1, width), np.float64)
    sums, prefix, slope = np.empty_like(columns), np.empty(width + 1, np.float64), np.empty(width, np.float64)
    for y in range(-radius, height):
        for sign, row in ((1, y + radius), (-1, y - radius - 1)):
            if 0 <= row < height:
                for i in range(channels):
                    for x in range(width):
                        columns[i, x] += sign * guide[i, row, x] * probability[row, x]
                for x in range(width):
                    columns[channels, x] += sign * probability[row, x]
        if y >= 0:
            _average(columns, min(y + radius + 1, height) - max(y - radius, 0), radius, prefix, sums)
            for i in range(channels):
                for x in range(width):
                    sums[i, x] -= means[i, y, x] * sums[channels, x]
            for i in range(channels):
                slope[:] = 0
                for j in range(channels):
                    for x in range(width):
                        slope[x] += inverses[i, j, y, x] * sums[j, x]
                for x in range(width):
                    lines[i, y, x] = slope[x]
                    sums[channels, x] -= slope[x] * means[i, y, x]
            for x in range(width):
                lines[channels, y, x] = sums[channels, x]


@jit
@no_type_check
def _apply_means(guide, lines, radius, refined):
    """Give each pixel [H, W] what the mean of the lines of all windows it lies in makes of it (eq. 16)."""
    channels, height, width = guide.shape
    columns = np.zeros((channels + 1, width), np.float64)
    sums, prefix = np.empty_like(columns), np.empty(width + 1, np.float64)
    for y in range(-radius, height):
        for sign, row in ((1, y + radius), (-1, y - radius - 1)):
            if 0 <= row < height:
                for i in range(channels + 1):
                    for x in range(width):
                        columns[i, x] += sign * lines[i, row, x]
        if y >= 0:
            _average(columns, min(y + radius + 1, height) - max(y - radius, 0), radius, prefix, sums)
            for i in range(channels):
                for x in range(width):
                    sums[channels, x] += sums[i, x] * guide[i, y, x]
            for x in range(width):
                refined[y, x] = sums[channels, x]


@jit
@no_type_check
def _average(columns, rows, radius, prefix, means):
    """The means [N, W] over windows of so many rows, from the sums of their columns; ``prefix`` is room."""
    count, width = columns.shape
    left, right = min(radius, width), max(width - radius, 0)  # up to, and from where, windows are cut off
    for n in range(count):
        total = 0.0
        prefix[0] = 0
        for x in range(width):
            total += columns[n, x]
            prefix[x + 1] = total
        for x in range(left):
            last = min(x + radius + 1, width)
            means[n, x] = prefix[last] / (rows * last)
        share = 1 / (rows * (2 * radius + 1))
        for x in range(left, right):
            means[n, x] = (prefix[x + radius + 1] - prefix[x - radius]) * share
        for x in range(max(left, right), width):
            first = max(x - radius, 0)
            means[n, x] = (prefix[width] - prefix[first]) / (rows * (width - first))
