"""From stored pixel values to a network's input: the one path that training and prediction both take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8, UInt16
from torch import Tensor
from torch.nn import functional

from intarsia.errors import DataError
from intarsia.types import ImageSpec


def fit_channels(
    image: UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"],
    spec: ImageSpec,
    where: str | Path = "image",
) -> UInt8[np.ndarray, "height width expected"] | UInt16[np.ndarray, "height width expected"]:
    """Bring a picture to the channels of ``spec`` where that loses nothing: gray to RGB, or colorless RGB to gray.

    Raises:
        DataError: any other difference in channels, or a bit depth other than the specification's.
    """
    depth = 8 * image.dtype.itemsize
    if depth != spec.bit_depth:
        raise DataError(
            f"has {depth} bits a channel, but {spec.bit_depth} are expected",
            where=where,
            remedy=f"Save it with {spec.bit_depth} bits a channel, scaled as the training pictures were",
        )
    channels = image.shape[2]
    if channels == spec.channels:
        return image
    if channels == 1:
        return np.repeat(image, spec.channels, axis=2)
    if spec.channels == 1 and (image == image[:, :, :1]).all():
        return image[:, :, :1]
    raise DataError(
        f"has {channels} channels, but {spec.channels} {'is' if spec.channels == 1 else 'are'} expected",
        where=where,
        remedy="Convert it to the kind of picture the model was trained on, or train on pictures of this kind",
    )


def to_unit_range(
    image: UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"], spec: ImageSpec
) -> Float32[Tensor, "channels height width"]:
    """Scale stored values to [0, 1] and put channels first."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    # Divided by numpy: torch would wake its threads for a few microseconds of work.
    return torch.from_numpy(planes.astype(np.float32) / np.float32(spec.max_value))


def shrunk_size(height: int, width: int, long_side: int | None) -> tuple[int, int]:
    """Height and width after shrinking the longer side to ``long_side``; never enlarged, never below one pixel."""
    if long_side is None or max(height, width) <= long_side:
        return height, width
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink(
    image: Float[Tensor, "channels height width"], long_side: int | None
) -> Float[Tensor, "channels new_height new_width"]:
    """Shrink a picture so that its longer side is at most ``long_side``, by antialiased bilinear interpolation."""
    size = shrunk_size(image.shape[1], image.shape[2], long_side)
    if size == tuple(image.shape[1:]):
        return image
    return functional.interpolate(image[None], size, mode="bilinear", antialias=True)[0]


def normalize(
    image: Float[Tensor, "*batch channels height width"], spec: ImageSpec
) -> Float[Tensor, "*batch channels height width"]:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean = torch.tensor(spec.mean, dtype=image.dtype, device=image.device)[:, None, None]
    std = torch.tensor(spec.std, dtype=image.dtype, device=image.device)[:, None, None]
    return (image - mean) / std
