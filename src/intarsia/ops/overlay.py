"""Masks drawn over pictures, to look at: classes as outlined tints, errors in colors that all readers tell apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int16, Shaped, UInt8, UInt16

from intarsia.errors import ShapeError
from intarsia.types import IGNORE_INDEX, LabelMap

MISSED = (213, 94, 0)
"""Truth says a foreground class, prediction says background: vermilion.

This and the yellow are from Okabe & Ito's palette (Color Universal Design, 2008); the blue is more vivid than theirs,
to stay apart from the default color of the first class. Under the color-vision simulations of Machado et al. (IEEE
TVCG 2009) any two of the three, and each and the grays of the dimmed picture, stay at least 30 apart in CIELAB.
"""
SPURIOUS = (70, 115, 255)
"""Truth says background, prediction says a foreground class: blue."""
CONFUSED = (240, 228, 66)
"""Truth and prediction are two different foreground classes: yellow."""
IGNORED = ((150, 150, 150), (95, 95, 95))
"""The two grays of the diagonal stripes over pixels that reach no score."""

_BLACK = (0, 0, 0)
_PERCENTILES = (0.5, 99.5)
_LOW_CONTRAST = 64  # of 255 gray levels
_DIMMED_LUMA = 0.5 * np.asarray([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, at half brightness
_STRIPE = 3  # pixels across

Picture = UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"]
# Its size is not tied to the picture's, because a mask of another size is a mistake of people's to explain.
Mask = UInt8[np.ndarray, "_ _"] | UInt16[np.ndarray, "_ _"]
RGB = UInt8[np.ndarray, "height width 3"]


def background_index(label_map: LabelMap) -> int | None:
    """The index of the class that is drawn as nothing: 0 if its color is black, else None (every class is drawn)."""
    return 0 if label_map.colors[0] == _BLACK else None


def for_display(image: Picture) -> RGB:
    """Turn a picture of any depth and number of channels into one a screen can show.

    Args:
        image: uint8 or uint16 [H, W, C]; of one or two channels the first is shown as gray, of more the first three
            as red, green and blue.

    Returns:
        uint8 [H, W, 3]. A 16-bit picture, and an 8-bit one whose middle 99 % spans under a quarter of the gray levels,
        is stretched so that this span fills the screen's range (all channels alike, so hues keep); any other 8-bit
        picture is returned as it is.
    """
    shown = image[:, :, : 3 if image.shape[2] >= 3 else 1]
    low, high = np.percentile(shown, _PERCENTILES) if shown.size else (0, 0)
    if low == high:  # nothing to stretch: a constant picture keeps its brightness
        low, high = 0, np.iinfo(image.dtype).max
    if image.dtype == np.uint16 or high - low < _LOW_CONTRAST:
        stretched = (shown.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
        shown = stretched.clip(0, 255).round()
    return np.broadcast_to(shown, (*shown.shape[:2], 3)).astype(np.uint8)


def blend(image: Picture, class_ids: Mask, label_map: LabelMap, alpha: float = 0.5) -> RGB:
    """Tint a picture with the colors of its classes.

    Each region is filled at ``alpha`` and outlined, on its own outermost pixels, at full strength: a region of a
    single pixel is one solid pixel. Background (see :func:`background_index`) stays clear; ignored pixels are striped.

    Args:
        image: uint8 or uint16 [H, W, C], shown as :func:`for_display` does.
        class_ids: [H, W] ids of ``label_map``, its ignore id allowed.
        label_map: what the ids mean, and their colors.
        alpha: strength of the tint, 0 (outlines only) to 1 (solid).

    Returns:
        uint8 [H, W, 3].

    Raises:
        ShapeError: picture and mask differ in size.
        DataError: the mask holds an id that is neither a class nor the ignore id.
    """
    _check_size(image, class_ids, "the mask")
    indices = label_map.ids_to_indices(class_ids)
    colors = np.asarray((*label_map.colors, _BLACK), dtype=np.float32)[indices]  # IGNORE_INDEX, −1, picks the last
    strength = np.where(_outline(indices), 1.0, alpha) * ~_is_background(indices, label_map)
    tinted = _mix(for_display(image).astype(np.float32), colors, strength.astype(np.float32))
    return _stripe(tinted, indices == IGNORE_INDEX)


def errors(image: Picture, truth: Mask, predicted: Mask, label_map: LabelMap) -> RGB:
    """Show where a prediction is wrong, and how, over the picture dimmed to gray.

    :data:`MISSED` and :data:`SPURIOUS` need a background class (see :func:`background_index`); without one every
    error is :data:`CONFUSED`. Pixels the truth ignores are striped, since nothing there counts; a prediction of the
    ignore id elsewhere is an error like any other. Correct pixels stay gray.

    Args:
        image: uint8 or uint16 [H, W, C], shown as :func:`for_display` does.
        truth: [H, W] ids of ``label_map``, its ignore id allowed.
        predicted: [H, W] ids of ``label_map``, its ignore id allowed.
        label_map: what the ids mean.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ShapeError: picture and masks differ in size.
        DataError: a mask holds an id that is neither a class nor the ignore id.
    """
    _check_size(image, truth, "the truth")
    _check_size(image, predicted, "the prediction")
    true, found = label_map.ids_to_indices(truth, "truth"), label_map.ids_to_indices(predicted, "prediction")
    nothing_true, nothing_found = _is_background(true, label_map), _is_background(found, label_map)
    gray = for_display(image).astype(np.float32) @ _DIMMED_LUMA
    shown = np.repeat(gray[:, :, None], 3, axis=2)
    wrong = true != found
    shown[wrong & nothing_found] = MISSED
    shown[wrong & nothing_true] = SPURIOUS
    shown[wrong & ~nothing_true & ~nothing_found] = CONFUSED
    return _stripe(shown, true == IGNORE_INDEX)


def stripes(height: int, width: int) -> RGB:
    """The diagonal stripes that stand for ignored pixels: uint8 [height, width, 3]."""
    rows, columns = np.ogrid[:height, :width]
    striped: RGB = np.asarray(IGNORED, dtype=np.uint8)[(rows + columns) // _STRIPE % 2]
    return striped


def _check_size(image: Shaped[np.ndarray, "..."], mask: Shaped[np.ndarray, "..."], what: str) -> None:
    if image.shape[:2] != mask.shape:
        (height, width), mask_size = image.shape[:2], " × ".join(str(side) for side in mask.shape)
        raise ShapeError(
            f"the picture is {height} × {width} pixels (height × width), {what} {mask_size}",
            where="overlay",
            remedy="Give the mask that belongs to this picture, at the picture's own size",
        )


def _is_background(indices: Int16[np.ndarray, "height width"], label_map: LabelMap) -> Bool[np.ndarray, "height width"]:
    index = background_index(label_map)
    return np.zeros(indices.shape, dtype=bool) if index is None else np.asarray(indices == index)


def _outline(indices: Int16[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels with a 4-neighbor of another class; the picture's own edge is no outline."""
    edge = np.zeros(indices.shape, dtype=bool)
    vertical, horizontal = indices[1:] != indices[:-1], indices[:, 1:] != indices[:, :-1]
    edge[1:] |= vertical
    edge[:-1] |= vertical
    edge[:, 1:] |= horizontal
    edge[:, :-1] |= horizontal
    return edge


def _mix(
    below: Float32[np.ndarray, "height width 3"],
    above: Float32[np.ndarray, "height width 3"],
    strength: Float32[np.ndarray, "height width"],
) -> Float32[np.ndarray, "height width 3"]:
    mixed: Float32[np.ndarray, "height width 3"] = below + (above - below) * strength[:, :, None]
    return mixed


def _stripe(picture: Float32[np.ndarray, "height width 3"], where: Bool[np.ndarray, "height width"]) -> RGB:
    height, width = where.shape
    return np.where(where[:, :, None], stripes(height, width), picture.round().astype(np.uint8))
