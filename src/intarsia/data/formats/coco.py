"""COCO's instance JSON (the truth) and result lists (scored predictions): objects with a mask each.

The truth is ``{"images": […], "annotations": […], "categories": […]}``; a result list is
``[{"image_id", "category_id", "segmentation", "score"}, …]`` (https://cocodataset.org/#format-data, #format-results).
"""

from __future__ import annotations

import reprlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.data.formats.coco_json import check_unique, entries, flag, is_number, read_categories, read_json
from intarsia.errors import DataError
from intarsia.ops.rle import coco_to_rle, polygons_to_rle
from intarsia.types import InstanceSet, LabelMap
from intarsia.types.predictions import Runs

_TRUTH = "Give COCO instance JSON: `images`, `annotations` with `segmentation`, and `categories`"
_RESULTS = "Give a COCO result list: [{image_id, category_id, segmentation, score}, …]"
_MAX_SIDE, _MAX_PIXELS = 10**6, 2**32 - 1  # more than that, the fillers of masks cannot count


@dataclass(frozen=True, eq=False)
class CocoInstances:
    """The content of an instance JSON.

    Args:
        path: the file.
        label_map: the categories, all of them things.
        objects: the objects of each picture, by its id, ids ascending; the picture's size is theirs.
        names: the file name of each picture, by its id; its id where the file states none.
    """

    path: Path
    label_map: LabelMap
    objects: Mapping[int, InstanceSet]
    names: Mapping[int, str]


def read_coco(path: str | Path) -> CocoInstances:
    """Read the truth: polygons (filled as ``pycocotools`` does) and run lengths, crowd regions included.

    Raises:
        DataError: a file that cannot be read or is no such JSON, an id twice, a size that is none, or an annotation of
            an unknown picture or category, without a mask, with one that does not fit the picture, or with an area or
            a crowd flag that is none; it is named by its id.
    """
    path = Path(path)
    content = read_json(path, _TRUTH)
    label_map = read_categories(content, path, _TRUTH)
    pictures = {entry["id"]: entry for entry in _pictures(content, path)}
    listed = entries(content, "annotations", path, _TRUTH, id=int, image_id=int, category_id=int)
    check_unique((entry["id"] for entry in listed), "id", "annotation", path)
    by_picture: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in listed:
        by_picture[entry["image_id"]].append(entry)
    _check_pictures(by_picture, pictures, path, "annotations")
    objects = {
        i: _instances(by_picture.get(i, []), (pictures[i]["height"], pictures[i]["width"]), label_map, path)
        for i in sorted(pictures)
    }
    return CocoInstances(path, label_map, objects, {i: pictures[i].get("file_name", str(i)) for i in objects})


def read_coco_results(path: str | Path, truth: CocoInstances) -> Mapping[int, InstanceSet]:
    """Read scored predictions for the pictures of ``truth``.

    Returns:
        The objects of every picture of the truth, by its id; none where nothing was predicted.

    Raises:
        DataError: a file that cannot be read or is no such list, or an entry of an unknown picture or category, without
            a score or a mask, or with a mask of another size; it is named by its place in the list, from 0.
    """
    path = Path(path)
    content = read_json(path, _RESULTS, list)
    by_picture: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for place, entry in enumerate(
        entries({"results": content}, "results", path, _RESULTS, image_id=int, category_id=int)
    ):
        score = entry.get("score")
        if not is_number(score):
            raise DataError(
                f"result {place} has {'no score' if score is None else f'the score {reprlib.repr(score)}'}",
                where=path,
                remedy="Give every result a `score`, higher the surer the model is: objects are ranked by it",
            )
        by_picture[entry["image_id"]].append({**entry, "id": place})
    _check_pictures(by_picture, truth.objects, path, "results")
    return {
        i: _instances(by_picture.get(i, []), true.size, truth.label_map, path, scored=True)
        for i, true in truth.objects.items()
    }


def _pictures(content: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    listed = entries(content, "images", path, _TRUTH, id=int, width=int, height=int)
    if not listed:
        raise DataError("lists no images", where=path, remedy=_TRUTH)
    check_unique((entry["id"] for entry in listed), "id", "image", path)
    for entry in listed:
        where, height, width = f"{path}, image {entry['id']}", entry["height"], entry["width"]
        if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE and height * width <= _MAX_PIXELS):
            raise DataError(
                f"states {reprlib.repr(width)}×{reprlib.repr(height)} pixels",
                where=where,
                remedy="Give each image its own `width` and `height` in pixels",
            )
        if not isinstance(entry.get("file_name", ""), str):
            raise DataError("its `file_name` is no text", where=where, remedy="Write the name of its file, or nothing")
    return listed


def _check_pictures(named: Mapping[int, Any], known: Mapping[int, Any], path: Path, what: str) -> None:
    unknown = sorted(named.keys() - known.keys())
    if unknown:
        listed = ", ".join(map(str, unknown[:5])) + (" …" if len(unknown) > 5 else "")
        raise DataError(
            f"has {what} of {len(unknown)} pictures whose id is not among the images of the truth: {listed}",
            where=path,
            remedy="Use the same image ids in both files, those of the truth's `images`",
        )


def _instances(
    listed: list[dict[str, Any]], size: tuple[int, int], label_map: LabelMap, path: Path, scored: bool = False
) -> InstanceSet:
    what = "result" if scored else "annotation"
    unknown = next((entry for entry in listed if entry["category_id"] not in label_map.ids), None)
    if unknown is not None:
        known = ", ".join(map(str, label_map.ids[:8])) + (" …" if len(label_map.ids) > 8 else "")
        raise DataError(
            f"{what} {unknown['id']} is of category {unknown['category_id']}, which is not among the truth's ({known})",
            where=path,
            remedy="Use the ids of the truth's `categories`, not the channel numbers of a network",
        )
    masks = tuple(_runs(entry.get("segmentation"), size, f"{path}, {what} {entry['id']}") for entry in listed)
    class_ids = np.array([entry["category_id"] for entry in listed], np.int64)
    if scored:
        return InstanceSet(masks, class_ids, size, scores=np.array([entry["score"] for entry in listed], np.float64))
    crowd = np.array([flag(entry, "iscrowd", False, f"{path}, {what} {entry['id']}") for entry in listed], np.bool_)
    stated = [_area(entry, path) for entry in listed]
    areas = None if None in stated else np.array(stated, np.float64)
    return InstanceSet(masks, class_ids, size, crowd=crowd, annotated_areas=areas)


def _area(annotation: Mapping[str, Any], path: Path) -> float | None:
    area = annotation.get("area")
    if area is None:
        return None
    if not is_number(area) or area < 0:
        raise DataError(
            f"states the area {reprlib.repr(area)}",
            where=f"{path}, annotation {annotation['id']}",
            remedy="Write `area` in pixels, 0 or more, or leave it out to have the mask's pixels counted",
        )
    return float(area)


def _runs(segmentation: Any, size: tuple[int, int], where: str) -> Runs:
    if isinstance(segmentation, list) and all(isinstance(polygon, list) for polygon in segmentation):
        return polygons_to_rle(segmentation, size, where)
    if not isinstance(segmentation, Mapping):
        raise DataError(
            "has no mask",
            where=where,
            remedy="Give a `segmentation`, polygons or run lengths; boxes alone cannot be scored as masks",
        )
    runs = coco_to_rle(segmentation, where)
    if tuple(segmentation["size"]) != size:
        height, width = segmentation["size"]
        raise DataError(
            f"its mask is {width}×{height} pixels, but its picture {size[1]}×{size[0]}",
            where=where,
            remedy="Give masks at the picture's own size; `size` is [height, width]",
        )
    return runs
