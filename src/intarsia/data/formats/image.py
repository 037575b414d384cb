"""Pictures as arrays, at their stored values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image

from intarsia.data.formats.decode import decode, upright
from intarsia.errors import DataError, ShapeError

ImageArray = UInt8[np.ndarray, "_height _width _channels"] | UInt16[np.ndarray, "_height _width _channels"]
"""uint8 or uint16 [H, W, C]."""

_MAX_UINT16 = 65535
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_COLOR = ("RGB", "RGBX", "CMYK", "YCbCr", "HSV")


def read_image(path: str | Path) -> ImageArray:
    """Read a picture file; what it is, is judged by its content and not by its name.

    The EXIF orientation is applied. One-bit and gray pictures (palettes of grays too) have one channel, all others are
    RGB: palettes are expanded, CMYK and YCbCr converted. An alpha channel is dropped when every pixel is opaque.
    16-bit gray keeps its 16 bits; of 16-bit *color* only the upper 8 bits a channel are read.

    Returns:
        uint8 or uint16 [H, W, C] with C = 1 or 3.

    Raises:
        DataError: the file is missing, cut short or not a picture, holds several pages, has transparent pixels,
            or its values are not whole numbers of at most 16 bits.
    """
    return to_array(decode(path).image, where=path)


def as_image_array(source: str | Path | Image.Image | np.ndarray) -> ImageArray:
    """Turn whatever a person hands over for a picture into an array.

    Args:
        source: a file (see :func:`read_image`), a PIL image (treated the same, EXIF orientation included), or an
            array, uint8 or uint16, [H, W] or [H, W, C], which is taken as it is.

    Returns:
        uint8 or uint16 [H, W, C].

    Raises:
        DataError: a file or PIL image that cannot be read.
        ShapeError: an array of another shape or dtype.
    """
    if isinstance(source, np.ndarray):
        return _checked(source)
    if not isinstance(source, Image.Image):
        return read_image(source)
    try:
        image = upright(source)
    except (OSError, SyntaxError) as error:
        raise DataError(
            "is cut short or not a picture", where="image", remedy="Open a whole picture file and pass it again"
        ) from error
    return to_array(image, where="image")


def _checked(array: np.ndarray) -> ImageArray:
    planes = array[:, :, None] if array.ndim == 2 else array
    if planes.ndim != 3 or planes.size == 0:
        raise ShapeError(
            f"has the shape {list(array.shape)}", where="image", remedy="Give one picture as [H, W] or [H, W, C]"
        )
    if planes.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"has the dtype {array.dtype}",
            where="image",
            remedy="Give the stored values as uint8 (0–255) or uint16 (0–65535), not scaled to [0, 1]",
        )
    if planes.shape[2] > 4 and planes.shape[0] in (1, 3):
        raise ShapeError(
            f"has the shape {list(array.shape)}, which looks like channels first",
            where="image",
            remedy="Move the channels last: np.moveaxis(image, 0, -1)",
        )
    return planes


def to_array(image: Image.Image, where: str | Path) -> ImageArray:
    """Turn a decoded, upright picture into an array as :func:`read_image` describes; ``where`` is named in errors."""
    if image.mode in _SIXTEEN_BITS:
        return np.asarray(image).astype(np.uint16)[:, :, None]  # astype also puts big-endian values in native order
    if image.mode == "I":
        return _from_int32(np.asarray(image), where)[:, :, None]
    values = np.asarray(_gray_or_rgb(image, where))
    return values[:, :, None] if values.ndim == 2 else values


def _from_int32(values: np.ndarray, where: str | Path) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _MAX_UINT16:
        raise DataError(
            f"holds 32-bit values from {low} to {high}, beyond 0–{_MAX_UINT16}",
            where=where,
            remedy="Rescale all pictures alike to 16 bits and save them again",
        )
    return values.astype(np.uint16)


def _gray_or_rgb(image: Image.Image, where: str | Path) -> Image.Image:
    gray = image.mode in ("1", "L", "LA", "La") or (image.mode in ("P", "PA") and _grays_only(image))
    if image.has_transparency_data:
        image = image.convert("LA" if gray and image.mode not in ("P", "PA") else "RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            raise DataError(
                "has transparent pixels, whose colors are not defined",
                where=where,
                remedy="Flatten it onto a background and save it without transparency",
            )
    elif not gray and image.mode not in (*_COLOR, "P"):
        raise DataError(
            f"holds values of a kind that is not read (Pillow mode {image.mode})",
            where=where,
            remedy="Save it as 8-bit gray or RGB, or as 16-bit gray, all pictures scaled alike",
        )
    return image.convert("L" if gray else "RGB")


def _grays_only(image: Image.Image) -> bool:
    palette = np.asarray(image.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())
