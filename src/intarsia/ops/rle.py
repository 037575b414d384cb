"""Binary masks as run lengths, column by column as COCO stores them, and the ways to and from them.

Run lengths (:data:`~intarsia.types.predictions.Runs`) are what :class:`~intarsia.types.InstanceSet` holds. Polygons and
overlaps go through the mask functions of ``faster-coco-eval``, so that they agree with COCO's to the pixel.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, no_type_check

import numpy as np
from faster_coco_eval import mask as coco_mask
from jaxtyping import Bool, Float64, Shaped, UInt8

from intarsia.errors import DataError
from intarsia.ops.jit import jit
from intarsia.types.predictions import Runs

_MOST = 2**32 - 1  # pixels that 32-bit run lengths can cover
_POLYGON = "Give each polygon as x, y, x, y, … in pixels, of three points or more, or remove the object"


def mask_to_rle(mask: Bool[np.ndarray, "height width"]) -> Runs:
    """Encode a mask; :func:`rle_to_mask` undoes it."""
    flat = mask.ravel(order="F")
    borders = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    leading = [0, 0] if flat.size and flat[0] else [0]
    return np.diff(np.concatenate([leading, borders, [flat.size]])).astype(np.uint32)


def rle_to_mask(runs: Runs, size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """Decode a mask of the given height and width."""
    height, width = size
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def rle_area(runs: Runs) -> int:
    """The pixels of the object."""
    return int(runs[1::2].sum(dtype=np.int64))


def rle_to_coco(runs: Runs, size: tuple[int, int]) -> dict[str, Any]:
    """Write COCO's compressed form: ``{"size": [height, width], "counts": "…"}``."""
    return {"size": list(size), "counts": _to_characters(runs.astype(np.int64)).tobytes().decode("ascii")}


def coco_to_rle(segmentation: Mapping[str, Any], where: str = "mask") -> Runs:
    """Read COCO's form, compressed (``counts`` is text) or not (``counts`` is a list of numbers).

    Args:
        segmentation: ``size`` and ``counts``.
        where: what to call the mask in an error.

    Raises:
        DataError: counts that cannot be run lengths of ``size``.
    """
    try:
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        if isinstance(counts, str | bytes):
            text = counts.encode("ascii") if isinstance(counts, str) else counts
            lengths, whole = _from_characters(np.frombuffer(text, np.uint8))
        else:
            lengths, whole = np.array(counts, np.int64), set(map(type, counts)) <= {int}
        pixels = height * width
        # Each is compared as well as their sum, which is 64 bits wide and could come round to the right one.
        fits = whole and lengths.ndim == 1 and bool(((lengths >= 0) & (lengths <= pixels)).all())
        fits = fits and int(lengths.sum()) == pixels <= _MOST
    except (KeyError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise DataError(
            "the run lengths are damaged: they are no whole numbers that add up to the size they come with",
            where=where,
            remedy="Export the mask again; COCO's RLE has `size`: [height, width] and matching `counts`",
        )
    return lengths.astype(np.uint32)


def polygons_to_rle(polygons: Sequence[Sequence[Any]], size: tuple[int, int], where: str = "mask") -> Runs:
    """Fill polygons exactly as ``pycocotools`` does, and take them together.

    Args:
        polygons: each x, y, x, y, … in pixels, three points or more. They may lie outside of the picture a little: up
            to twice its longer side from the origin.
        size: height and width.
        where: what to call the mask in an error.

    Raises:
        DataError: no polygon, one of fewer than three points or of an odd number of coordinates, or a coordinate that
            is no finite number or far outside of the picture: filling walks along every edge, however long.
    """
    wrong = [polygon for polygon in polygons if len(polygon) < 6 or len(polygon) % 2]
    if wrong or not polygons:
        found = f"a polygon has {len(wrong[0])} coordinates" if wrong else "there is no polygon"
        raise DataError(found, where=where, remedy=_POLYGON)
    limit = 2 * max(size)
    for polygon in polygons:
        for coordinate in polygon:
            if type(coordinate) not in (int, float) or not -limit <= coordinate <= limit:
                found = f"a polygon has the coordinate {reprlib.repr(coordinate)}"
                raise DataError(f"{found} in a picture of {size[1]}×{size[0]} pixels", where=where, remedy=_POLYGON)
    parts = coco_mask.frPyObjects([list(map(float, polygon)) for polygon in polygons], *size)
    return coco_to_rle(coco_mask.merge(parts))


def rle_iou(
    first: Sequence[Runs],
    second: Sequence[Runs],
    size: tuple[int, int],
    crowd: Bool[np.ndarray, "second"] | None = None,
) -> Float64[np.ndarray, "first second"]:
    """Intersection over union of every pair of masks, in [0, 1].

    Args:
        first: masks, run lengths of ``size``.
        second: masks, run lengths of ``size``.
        size: height and width.
        crowd: which of ``second`` are crowd regions: with those it is intersection over the area of the *first*, the
            share of it that the crowd covers (as COCO has it).
    """
    if not first or not second:
        return np.zeros((len(first), len(second)))
    flags = [0] * len(second) if crowd is None else crowd.astype(int).tolist()
    rows, columns = ([rle_to_coco(runs, size) for runs in masks] for masks in (first, second))
    return np.asarray(coco_mask.iou(rows, columns, flags), np.float64)


def ids_to_rles(ids: Shaped[np.ndarray, "height width"]) -> tuple[list[int], list[Runs]]:
    """Take the objects of an id mask apart.

    Args:
        ids: whole numbers; 0 is background, each other value one object, in however many parts.

    Returns:
        The ids, ascending, and the mask of each.
    """
    if not ids.size:
        return [], []
    flat = ids.ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    order = np.argsort(flat[starts], kind="stable")
    values, firsts = np.unique(flat[starts][order], return_index=True)
    found, masks = [], []
    for value, group in zip(values.tolist(), np.split(order, firsts[1:]), strict=True):
        if value:
            borders = np.concatenate([[0], np.column_stack([starts[group], ends[group]]).ravel(), [flat.size]])
            runs = np.diff(borders).astype(np.uint32)
            found.append(value)
            masks.append(runs[:-1] if runs[-1] == 0 else runs)
    return found, masks


# The compressed form (cocoapi, common/maskApi.c, rleToString): from the fourth run on, the difference to the run two
# before is written; five bits a character, lowest first, the sixth bit saying that more follow; the value of a
# character is its code less 48.


@jit
@no_type_check
def _encode(runs, characters):
    """Write the characters of ``runs``; return how many."""
    used = 0
    for index in range(runs.size):
        rest = runs[index] - runs[index - 2] if index > 2 else runs[index]
        more = True
        while more:
            bits = rest & 0x1F
            rest >>= 5
            more = rest != -1 if bits & 0x10 else rest != 0
            characters[used] = (bits | 0x20 if more else bits) + 48
            used += 1
    return used


@jit
@no_type_check
def _decode(characters, runs):
    """Read ``characters``; return how many runs there are, or −1 when they end inside one or are no such characters."""
    found, shift, value = 0, 0, 0
    for character in characters:
        bits = np.int64(character) - 48
        if bits < 0 or bits > 63 or shift > 50:
            return -1
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value |= np.int64(-1) << shift
        runs[found] = value + runs[found - 2] if found > 2 else value
        found, shift, value = found + 1, 0, 0
    return -1 if shift else found


def _to_characters(runs: Shaped[np.ndarray, "runs"]) -> UInt8[np.ndarray, "characters"]:
    characters = np.empty(7 * len(runs), np.uint8)  # 33 bits with the sign: at most seven characters a run
    return characters[: _encode(runs, characters)]


def _from_characters(characters: UInt8[np.ndarray, "characters"]) -> tuple[Shaped[np.ndarray, "runs"], bool]:
    runs = np.empty(len(characters), np.int64)
    found = _decode(characters, runs)
    return runs[: max(found, 0)], found >= 0
