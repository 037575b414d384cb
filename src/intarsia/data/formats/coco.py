"""COCO's instance JSON (the truth) and result lists (scored predictions): objects with a mask each.

The truth is ``{"images": […], "annotations": […], "categories": […]}``; a result list is
``[{"image_id", "category_id", "segmentation", "score"}, …]`` (https://cocodataset.org/#format-data, #format-results).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.errors import DataError
from intarsia.ops.rle import coco_to_rle, polygons_to_rle
from intarsia.types import InstanceSet, LabelMap
from intarsia.types.predictions import Runs

_TRUTH = "Give COCO instance JSON: `images`, `annotations` with `segmentation`, and `categories`"
_RESULTS = "Give a COCO result list: [{image_id, category_id, segmentation, score}, …]"


@dataclass(frozen=True, eq=False)
class CocoInstances:
    """The content of an instance JSON.

    Args:
        path: the file.
        label_map: the categories, all of them things.
        objects: the objects of each picture, by its id, ids ascending; the picture's size is theirs.
    """

    path: Path
    label_map: LabelMap
    objects: Mapping[int, InstanceSet]


def read_coco(path: str | Path) -> CocoInstances:
    """Read the truth: polygons (filled as ``pycocotools`` does) and run lengths, crowd regions included.

    Raises:
        DataError: a file that cannot be read or is no such JSON, or an annotation of an unknown picture or category,
            without a mask, or with one that does not fit the picture; it is named by its id.
    """
    path = Path(path)
    content = read_json(path, _TRUTH)
    label_map = read_categories(content, path, _TRUTH)
    pictures = {entry["id"]: entry for entry in entries(content, "images", path, _TRUTH, id=int, width=int, height=int)}
    if not pictures:
        raise DataError("lists no images", where=path, remedy=_TRUTH)
    fields = {"id": int, "image_id": int, "category_id": int}
    by_picture: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries(content, "annotations", path, _TRUTH, **fields):
        by_picture[entry["image_id"]].append(entry)
    _check_pictures(by_picture, pictures, path, "annotations")
    objects = {
        i: _instances(by_picture.get(i, []), (pictures[i]["height"], pictures[i]["width"]), label_map, path)
        for i in sorted(pictures)
    }
    return CocoInstances(path, label_map, objects)


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
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise DataError(
                f"result {place} has {'no score' if score is None else f'the score {score!r}'}",
                where=path,
                remedy="Give every result a `score`, higher the surer the model is: objects are ranked by it",
            )
        by_picture[entry["image_id"]].append({**entry, "id": place})
    _check_pictures(by_picture, truth.objects, path, "results")
    return {
        i: _instances(by_picture.get(i, []), true.size, truth.label_map, path, scored=True)
        for i, true in truth.objects.items()
    }


def read_json(path: Path, remedy: str, kind: type = dict) -> Any:
    """Read a JSON file whose outermost value is of ``kind``, an object or a list.

    Raises:
        DataError: a file that is missing, is no JSON, or holds something else; ``remedy`` says what to give.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or "no such file").lower()
        raise DataError(f"cannot be opened ({reason})", where=path, remedy=remedy) from error
    except ValueError as error:
        raise DataError(f"is no JSON, or is cut short ({error})", where=path, remedy=remedy) from error
    if not isinstance(content, kind):
        names = {"dict": "an object {…}", "list": "a list […]"}
        found = names.get(type(content).__name__, "neither an object nor a list")
        raise DataError(f"holds {found}, where {names[kind.__name__]} is expected", where=path, remedy=remedy)
    return content


def entries(content: Mapping[str, Any], key: str, path: Path, remedy: str, **fields: type) -> list[dict[str, Any]]:
    """The list ``content[key]`` of objects that each have ``fields`` of the given types.

    Raises:
        DataError: there is no such list, or an entry lacks a field; ``remedy`` says what to give.
    """
    found = content.get(key)
    if not isinstance(found, list):
        raise DataError(f"has no list `{key}`", where=path, remedy=remedy)
    for place, entry in enumerate(found):
        given = entry if isinstance(entry, dict) else {}
        wrong = [name for name, kind in fields.items() if type(given.get(name)) is not kind]
        if wrong:
            words = {"int": "whole number", "list": "list", "str": "text"}[fields[wrong[0]].__name__]
            raise DataError(f"entry {place} of `{key}` has no {words} `{wrong[0]}`", where=path, remedy=remedy)
    return found


def read_categories(content: Mapping[str, Any], path: Path, remedy: str) -> LabelMap:
    """The categories as classes; those with ``isthing`` 0 are stuff, all others things.

    Raises:
        DataError: there are none, or they contradict each other.
    """
    listed = entries(content, "categories", path, remedy, id=int, name=str)
    if not listed:
        raise DataError("has no categories", where=path, remedy=remedy)
    things = frozenset(entry["id"] for entry in listed if entry.get("isthing", 1))
    names, ids = (tuple(entry[key] for entry in listed) for key in ("name", "id"))
    try:
        return LabelMap(names, ids, things=things)
    except DataError as error:
        raise DataError(error.found, where=path, remedy="Correct the `categories`") from error


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
    crowd = np.array([bool(entry.get("iscrowd", 0)) for entry in listed], np.bool_)
    stated = [entry.get("area") for entry in listed]
    areas = None if None in stated else np.array(stated, np.float64)
    return InstanceSet(masks, class_ids, size, crowd=crowd, annotated_areas=areas)


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
