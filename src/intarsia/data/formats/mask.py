"""Masks: one class id a pixel, read strictly and written so that viewers show their colors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int16, UInt8, UInt16
from PIL import Image

from intarsia.data.formats.decode import Decoded, decode
from intarsia.data.formats.provenance import made_by
from intarsia.errors import DataError, OutputError
from intarsia.files import atomic_path
from intarsia.types import LabelMap

MaskArray = UInt8[np.ndarray, "_height _width"] | UInt16[np.ndarray, "_height _width"]
"""uint8 or uint16 [H, W] class ids."""

MASK_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
"""File name endings (in lower case) of masks: formats that keep every pixel value."""

_LOSSLESS = ("PNG", "TIFF", "BMP")
_MAX_ID = 65535
_MAX_INDEXED = 255
_IGNORE_COLOR = (224, 224, 224)
# Pillow spreads gray of few bits over 0–255; these factors give the stored numbers back.
_SPREAD = {"L;2": 85, "L;4": 17}


def read_mask(path: str | Path) -> MaskArray:
    """Read a mask file: the pixel values are the class ids, never interpolated, rescaled or reordered.

    Read are gray masks of 1 to 16 bits (a one-bit mask holds the ids 0 and 1), whole numbers of 32 bits in the range of
    16, and palette pictures, of which the *indices* are the ids and the colors only decoration (as this package and
    Pascal VOC write them). The EXIF orientation is applied, as it is to images.

    Returns:
        uint8 or uint16 [H, W].

    Raises:
        DataError: the file is missing, cut short or not a picture; its content is JPEG or WebP, whose compression
            can invent ids; or it holds colors, transparency, fractions, or numbers outside 0–65535.
    """
    return to_ids(decode(path), path)


def to_ids(decoded: Decoded, path: str | Path) -> MaskArray:
    """Take the class ids out of a decoded mask file as :func:`read_mask` describes; ``path`` is named in errors."""
    if decoded.file_format not in _LOSSLESS:
        raise lossy_mask([path], decoded.file_format)
    _, _, variant = decoded.raw_mode.partition(";")
    if "I" in variant:
        raise DataError(
            "stores its values inverted (white is zero), so it is not sure which number means which class",
            where=path,
            remedy="Save it as a gray PNG whose values are the class ids",
        )
    image = decoded.image
    if image.mode in ("1", "L", "P"):
        return np.asarray(image).astype(np.uint8) // np.uint8(_SPREAD.get(decoded.raw_mode[:3], 1))
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_integers(np.asarray(image), path)
    if image.mode == "F":
        raise DataError(
            "holds fractions (32-bit floating point), not class ids",
            where=path,
            remedy="Save the class ids as a gray PNG of 8 or 16 bits",
        )
    raise _color_mask(image, path)


def mask_to_indices(mask: MaskArray, label_map: LabelMap, path: str | Path) -> Int16[np.ndarray, "_height _width"]:
    """Turn the ids of a mask that was read from ``path`` into class indices; ignored pixels become IGNORE_INDEX.

    Raises:
        DataError: the mask holds an id that is neither a class nor the ignore id.
    """
    unknown = label_map.unknown_ids(mask)
    if unknown:
        raise unknown_ids(unknown, label_map, path)
    return label_map.ids_to_indices(mask, path)


def unknown_ids(unknown: tuple[int, ...], label_map: LabelMap, path: str | Path) -> DataError:
    """The error for a mask file with ids that are no classes; of a palette picture it says what is read as ids."""
    listed = ", ".join(str(value) for value in unknown[:8]) + (" …" if len(unknown) > 8 else "")
    ids = f"the id{'s' if len(unknown) > 1 else ''} {listed}"
    if decode(path).image.mode == "P":
        return DataError(
            f"is a palette picture, whose indices and not colors are read as ids: it holds {ids}, "
            f"but the classes are {label_map.describe()}",
            where=path,
            remedy="List these indices in classes.yaml, or save the mask as a gray PNG of class ids",
        )
    return DataError(
        f"holds {ids}, but the classes are {label_map.describe()}",
        where=path,
        remedy="Correct the mask, or list the id in classes.yaml as a class or as `ignore`",
    )


def lossy_mask(paths: Sequence[str | Path], file_format: str) -> DataError:
    """The error for masks in a format whose compression changes pixel values."""
    return DataError(
        f"is a mask saved as {file_format}, whose compression can invent class ids along every edge",
        where=paths,
        remedy="Export the masks again as PNG from the program that drew them; converting keeps the invented ids",
    )


def write_mask(
    path: str | Path, class_ids: MaskArray, label_map: LabelMap, *, model: str = "", options: str = ""
) -> None:
    """Write a mask as PNG: indexed with the class colors, or 16-bit gray when an id exceeds 255.

    Reading it back with :func:`read_mask` gives equal ids. The file appears whole or not at all.

    Args:
        path: the file to write, called ``….png``.
        class_ids: uint8 or uint16 [H, W].
        label_map: what the ids mean, and their colors.
        model: the fingerprint of the model that predicted the mask (its card's ``weights_fingerprint``), written into
            the file so that evaluation can warn when a prediction is used as truth.
        options: how it was predicted, in words, so that masks of other options are not taken for these.

    Raises:
        OutputError: the file could not be written, or is not called ``….png``.
        DataError: ``class_ids`` holds an id that is neither a class nor the ignore id.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise OutputError("masks are written as PNG only", where=path, remedy=f"Call it {path.stem}.png")
    label_map.ids_to_indices(class_ids, path)
    if label_map.id_dtype is np.uint8:
        image = Image.fromarray(class_ids.astype(np.uint8))
        image.putpalette(_palette(label_map))
    else:
        image = Image.fromarray(class_ids.astype(np.uint16))
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", pnginfo=made_by(model, options))


def _palette(label_map: LabelMap) -> bytes:
    colors = np.zeros((_MAX_INDEXED + 1, 3), dtype=np.uint8)
    colors[list(label_map.ids)] = label_map.colors
    if label_map.ignore is not None:
        colors[label_map.ignore] = _IGNORE_COLOR
    return colors.tobytes()


def _from_integers(values: np.ndarray, path: str | Path) -> MaskArray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _MAX_ID:
        raise DataError(
            f"holds values from {low} to {high}, but class ids lie in 0–{_MAX_ID}",
            where=path,
            remedy="Save the class ids as a gray PNG of 8 or 16 bits",
        )
    return values.astype(np.uint16)


def _color_mask(image: Image.Image, path: str | Path) -> DataError:
    colors = np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)
    if (colors == colors[:, :1]).all():
        return DataError(
            f"is a color or transparent picture ({image.mode}) of grays, but a mask holds one class id a pixel",
            where=path,
            remedy="Save one of its equal channels as a gray PNG (Pillow: mask.getchannel(0))",
        )
    listed = ", ".join(f"({r}, {g}, {b})" for r, g, b in colors[:6].tolist()) + (" …" if len(colors) > 6 else "")
    return DataError(
        f"is a color picture ({image.mode}) of {len(colors)} colors, {listed}, but a mask holds one class id a pixel",
        where=path,
        remedy="Convert each color to the id of its class and save the ids as a gray or palette PNG",
    )
