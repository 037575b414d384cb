"""Synthetic pictures with exact masks: circles and squares on colored noise, for use without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Bool, Float64, UInt8
from PIL import Image

from intarsia.data.formats.mask import write_mask
from intarsia.files import atomic_path, write_text
from intarsia.types import LabelMap

SHAPES = LabelMap(names=("background", "circle", "square"), colors=((0, 0, 0), (230, 159, 0), (86, 180, 233)))
"""The classes of :func:`draw_shapes`: ids 0, 1 and 2."""

_SPLITS = {"train": 200, "val": 40, "test": 60}
_SIDE = 128
_CONTRAST = (55.0, 110.0)  # how far, of 255, a shape's mean color lies from the background's
_NOISE = 12.0
_FIELD = 18.0


def draw_shapes(
    seed: int, height: int = _SIDE, width: int = _SIDE
) -> tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"]]:
    """Draw two to five circles and slightly turned squares over a background of smooth colored noise.

    Circles and squares have the same distribution of colors, textures and sizes and may cover each other, so only the
    outline tells them apart.

    Args:
        seed: at least 0; the same seed gives the same picture.
        height: pixels.
        width: pixels.

    Returns:
        The picture, and its mask with the ids of :data:`SHAPES`; edges are not antialiased, so the mask is exact.
    """
    random = np.random.default_rng(seed)
    base = random.uniform(60, 195, size=3)
    canvas = base + _texture(random, height, width)
    mask = np.zeros((height, width), dtype=np.uint8)
    scale = min(height, width)
    for _ in range(random.integers(2, 6)):
        shape = int(random.integers(1, 3))
        radius = random.uniform(0.09, 0.2) * scale
        center = random.uniform(0.1, 0.9, size=2) * (height, width)
        inside = _inside(shape, (height, width), center, radius, random.uniform(-0.2, 0.2))
        direction = random.normal(size=3)
        color = base + direction / np.linalg.norm(direction) * random.uniform(*_CONTRAST)
        canvas[inside] = (color + _texture(random, height, width))[inside]
        mask[inside] = shape
    canvas += random.normal(scale=_NOISE, size=canvas.shape)
    return canvas.clip(0, 255).round().astype(np.uint8), mask


def write_shapes(folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the set as a data folder of train/, val/ and test/: 200, 40 and 60 pictures of 128 × 128 pixels."""
    write_text(folder / "classes.yaml", yaml.safe_dump(SHAPES.to_dict(), sort_keys=False))
    total, seed = sum(_SPLITS.values()), 0
    for split, count in _SPLITS.items():
        for _ in range(count):
            image, mask = draw_shapes(seed)
            name = f"shapes-{seed:03d}.png"
            with atomic_path(folder / split / "images" / name) as temporary:
                Image.fromarray(image).save(temporary, format="PNG")
            write_mask(folder / split / "masks" / name, mask, SHAPES)
            seed += 1
            if progress is not None:
                progress(seed, total)


def _texture(random: np.random.Generator, height: int, width: int) -> Float64[np.ndarray, "height width 3"]:
    """Noise whose amplitude falls with frequency, an own field a color channel, of standard deviation ``_FIELD``."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    falloff = 1 / np.maximum(frequency, 1 / max(height, width)) ** 1.5
    falloff[0, 0] = 0  # no mean: colors are chosen by the caller
    spectrum = np.fft.rfft2(random.normal(size=(3, height, width))) * falloff
    field = np.moveaxis(np.fft.irfft2(spectrum, s=(height, width)), 0, -1)
    scaled: Float64[np.ndarray, "height width 3"] = field * (_FIELD / max(float(field.std()), 1e-9))
    return scaled


def _inside(
    shape: int, size: tuple[int, int], center: Float64[np.ndarray, "2"], radius: float, angle: float
) -> Bool[np.ndarray, "height width"]:
    rows, columns = np.ogrid[: size[0], : size[1]]
    down, right = rows - center[0], columns - center[1]
    if shape == 1:
        return np.asarray(down**2 + right**2 <= radius**2)
    along = np.abs(np.cos(angle) * down + np.sin(angle) * right)
    across = np.abs(np.cos(angle) * right - np.sin(angle) * down)
    return np.asarray(np.maximum(along, across) <= radius * np.sqrt(np.pi) / 2)  # a square of the circle's area
