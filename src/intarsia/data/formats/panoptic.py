"""COCO's panoptic format: a JSON that lists the segments of each picture, and a PNG of segment ids for each.

In the PNG the id of a segment is red + 256 · green + 65536 · blue, and 0 is void
(https://cocodataset.org/#format-data, section 4).
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
from jaxtyping import UInt8, UInt32

from intarsia.data.formats.coco_json import check_unique, entries, flag, read_categories, read_json
from intarsia.data.formats.decode import decode
from intarsia.errors import DataError
from intarsia.ops.jit import jit
from intarsia.types import LabelMap, PanopticMap, Segment

_REMEDY = "Give COCO panoptic JSON: `annotations` with `image_id`, `file_name` and `segments_info`, and `categories`"


@dataclass(frozen=True)
class PanopticPicture:
    """One annotation of the JSON.

    Args:
        name: the file name of its PNG.
        png: the PNG.
        segments: its table, as the JSON has it.
    """

    name: str
    png: Path
    segments: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class PanopticFile:
    """An opened panoptic JSON; no PNG has been looked at yet.

    Args:
        path: the JSON.
        label_map: the categories; None if it lists none, as predictions may.
        pictures: by image id, ids ascending.
    """

    path: Path
    label_map: LabelMap | None
    pictures: Mapping[int, PanopticPicture]


def open_panoptic(path: str | Path) -> PanopticFile:
    """Open a panoptic JSON, or the one in a folder, and find its PNGs.

    The PNGs are looked for in the folder beside the JSON that has its name (``panoptic_val.json``,
    ``panoptic_val/``), in ``masks/`` and directly beside it.

    Raises:
        DataError: no such file, or not one JSON in the folder; a JSON of another kind; a picture or PNG twice; a
            segment whose id no color stands for, or whose crowd flag is none; no PNGs.
    """
    path = _find_json(Path(path))
    content = read_json(path, _REMEDY)
    fields = {"image_id": int, "file_name": str, "segments_info": list}
    listed = entries(content, "annotations", path, _REMEDY, **fields)
    if not listed:
        raise DataError("annotates no picture", where=path, remedy="Give one annotation for each picture")
    for key in ("image_id", "file_name"):
        check_unique((annotation[key] for annotation in listed), key, "annotation", path)
    for annotation in listed:
        _check_segments(annotation, f"{path}, image {annotation['image_id']}")
    label_map = read_categories(content, path, _REMEDY) if content.get("categories") else None
    folder = _find_pngs(path, listed[0]["file_name"])
    by_id = {annotation["image_id"]: annotation for annotation in listed}
    pictures = {
        i: PanopticPicture(by_id[i]["file_name"], folder / by_id[i]["file_name"], tuple(by_id[i]["segments_info"]))
        for i in sorted(by_id)
    }
    return PanopticFile(path, label_map, pictures)


def read_panoptic(picture: PanopticPicture, label_map: LabelMap) -> PanopticMap:
    """Read the segments of one picture; areas are counted in its PNG.

    Args:
        picture: an annotation of an opened JSON.
        label_map: says which classes are things.

    Raises:
        DataError: a PNG that cannot be read or is no color PNG, or a segment id twice in the table.
    """
    ids = rgb_to_ids(_read_rgb(picture.png))
    area = _areas(ids)
    segments = tuple(
        Segment(
            id=entry["id"],
            class_id=entry["category_id"],
            is_thing=entry["category_id"] in label_map.things,
            area=area.get(entry["id"], 0),
            is_crowd=bool(entry.get("iscrowd", 0)),
        )
        for entry in picture.segments
    )
    try:
        return PanopticMap(ids, segments)
    except DataError as error:
        raise DataError(error.found, where=picture.png, remedy=error.remedy) from error


def rgb_to_ids(rgb: UInt8[np.ndarray, "height width 3"]) -> UInt32[np.ndarray, "height width"]:
    """Segment ids 0–2²⁴−1 from their colors; :func:`ids_to_rgb` undoes it."""
    ids = np.empty(rgb.shape[:2], np.uint32)
    _join_bytes(np.ascontiguousarray(rgb).reshape(-1), ids.reshape(-1))
    return ids


def ids_to_rgb(ids: UInt32[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """The colors that stand for segment ids 0–2²⁴−1; :func:`rgb_to_ids` undoes it."""
    return np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)


def _areas(ids: UInt32[np.ndarray, "height width"]) -> dict[int, int]:
    """The pixels of each id; of runs of pixels, because sorting single pixels takes longer than reading the file."""
    flat = ids.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    values, of_run = np.unique(flat[starts], return_inverse=True)
    areas = np.bincount(of_run, np.diff(np.append(starts, flat.size))).astype(np.int64)
    return dict(zip(values.tolist(), areas.tolist(), strict=True))


@jit
@no_type_check
def _join_bytes(colors, ids):
    """Fill in an id for every three bytes; numpy needs three passes over wider numbers, thirty times as long."""
    for index in range(ids.size):
        at = np.uint64(3 * index)
        red, green, blue = colors[at], colors[at + np.uint64(1)], colors[at + np.uint64(2)]
        ids[index] = np.uint32(red) | np.uint32(green) << np.uint32(8) | np.uint32(blue) << np.uint32(16)


def _check_segments(annotation: Mapping[str, Any], where: str) -> None:
    for segment in entries(annotation, "segments_info", where, _REMEDY, id=int, category_id=int):
        if not 0 < segment["id"] < 2**24:
            raise DataError(
                f"has a segment with the id {reprlib.repr(segment['id'])}",
                where=where,
                remedy="Give segments ids from 1 to 16777215, for which colors stand; 0 is void",
            )
        flag(segment, "iscrowd", False, f"{where}, segment {segment['id']}")


def _find_json(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("panoptic*.json")) or sorted(path.glob("*.json"))
    if len(found) != 1:
        raise DataError(
            f"holds {len(found)} JSON files" if found else "holds no JSON file",
            where=path,
            remedy="Name the panoptic JSON itself",
        )
    return found[0]


def _find_pngs(path: Path, name: str) -> Path:
    folders = (path.with_suffix(""), path.parent / "masks", path.parent)
    folder = next((folder for folder in folders if (folder / name).is_file()), None)
    if folder is None:
        raise DataError(
            f"its picture {name} is neither in {path.stem}/ nor in masks/ beside it",
            where=path,
            remedy=f"Put the PNGs of segment ids into {folders[0]}",
        )
    return folder


def _read_rgb(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    decoded = decode(path)
    if decoded.image.mode != "RGB" or decoded.file_format != "PNG":
        raise DataError(
            f"is {decoded.file_format} of mode {decoded.image.mode}, not a color PNG of segment ids",
            where=path,
            remedy="Write the ids as red + 256 · green + 65536 · blue into an RGB PNG, as COCO has it",
        )
    return np.asarray(decoded.image)
