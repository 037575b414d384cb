"""Any size in, the same size out: pad to what a strided network needs, crop to what it was given."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def padded_size(height: int, width: int, stride: int, least_cells: int = 1) -> tuple[int, int]:
    """The smallest size not below ``height`` × ``width`` that a network of this stride divides evenly.

    Args:
        height: rows, ≥ 1.
        width: columns, ≥ 1.
        stride: pixels a side that one cell of the coarsest feature map stands for, ≥ 1.
        least_cells: how many cells the coarsest map must have at least; the width grows until it has them.

    Returns:
        Height and width, both multiples of ``stride``; the size itself where it already fits.
    """
    rows, columns = -(-height // stride), -(-width // stride)
    columns = max(columns, -(-least_cells // rows))
    return rows * stride, columns * stride


def pad_to_size(
    image: Float[Tensor, "batch channels height width"], height: int, width: int
) -> Float[Tensor, "batch channels {height} {width}"]:
    """Repeat the last row and column until the image has this size; :func:`crop_to_size` undoes it.

    Pixel (0, 0) stays where it is, so coordinates mean the same before and after. Repeating the border, unlike zeros,
    adds no edge the network would see; unlike reflection it works for any amount, from a single pixel on.

    Args:
        image: any channels, any range.
        height: rows wanted, not below the image's own.
        width: columns wanted, not below the image's own.

    Returns:
        The image itself when it already has the size, else a larger copy.
    """
    bottom, right = height - image.shape[-2], width - image.shape[-1]
    assert min(bottom, right) >= 0, "padding never shrinks"
    if bottom == right == 0:
        return image
    return functional.pad(image, (0, right, 0, bottom), mode="replicate")


def crop_to_size(
    image: Float[Tensor, "batch channels rows columns"], height: int, width: int
) -> Float[Tensor, "batch channels {height} {width}"]:
    """Keep the first ``height`` rows and ``width`` columns; undoes :func:`pad_to_size`.

    Args:
        image: any channels, any range.
        height: rows to keep, at most those it has.
        width: columns to keep, at most those it has.

    Returns:
        A view.
    """
    return image[..., :height, :width]
