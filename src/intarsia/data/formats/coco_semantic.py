"""Masks of classes as COCO's instance JSON: each connected region of a class an object.

``{"info", "categories", "annotations", "images"}`` (https://cocodataset.org/#format-data).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32

from intarsia.data.formats.mask import MaskArray
from intarsia.data.rasters.delivery import delivered_file
from intarsia.data.vectors.classes import indices_of
from intarsia.errors import DataError
from intarsia.ops.components import connected_components
from intarsia.ops.overlay import background_index
from intarsia.ops.rle import ids_to_rles, rle_area, rle_to_coco
from intarsia.types import LabelMap
from intarsia.types.predictions import Runs

WRITER = "written by Intarsia"
"""What each file says of itself at its beginning."""

_MOST = 2**32 - 1  # pixels that COCO's run lengths can cover


def write_coco(
    path: str | Path,
    pictures: Iterable[tuple[str, MaskArray]],
    label_map: LabelMap,
    classes: Sequence[str] | None = None,
) -> int:
    """Write the masks of many pictures as one JSON, while they come; the same masks give the same bytes.

    Each 4-connected region of a class is an annotation with compressed run lengths, for COCO's polygons know no holes:
    decoded, they are the mask again, to the pixel. Stuff is taken apart like things; where the label map tells them
    apart, the categories do too (``isthing``). Category ids are class ids. Pictures and annotations are numbered from
    1, pictures as they come and the regions of each by their first pixel, row by row.

    Args:
        path: the file, on the disk or at an address of fsspec.
        pictures: the file name of each picture, which no two share, and its class ids, uint8 or uint16 [H, W].
        label_map: the classes; pixels of its ignore id are in no annotation.
        classes: names of those to write; None: all but the background
            (:func:`~intarsia.ops.overlay.background_index`).

    Returns:
        How many annotations there are.

    Raises:
        DataError: a name that is no class, an id that is no class, a file name twice, or a picture of 2³² pixels or
            more.
        OutputError: the file cannot be written.
    """
    if classes is None:
        indices = [index for index in range(label_map.num_classes) if index != background_index(label_map)]
    else:
        indices = sorted(indices_of(classes, label_map))
    kind_of = np.zeros(label_map.num_classes + 1, np.int32)  # the last is that of ignored pixels, whose index is −1
    kind_of[indices] = np.array(indices, np.int32) + 1
    images: dict[str, dict[str, Any]] = {}
    count = 0
    with delivered_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        categories = json.dumps([_category(index, label_map) for index in indices], ensure_ascii=False)
        stream.write(f'{{"info": {{"description": "{WRITER}"}}, "categories": {categories}, "annotations": [')
        for name, mask in pictures:
            if name in images or mask.size > _MOST:
                found = (
                    "stands for two pictures" if name in images else f"has {mask.size} pixels, more than COCO counts"
                )
                remedy = "Give each picture a name of its own" if name in images else "Write GeoJSON or a GeoPackage"
                raise DataError(found, where=name, remedy=remedy)
            height, width = mask.shape
            images[name] = {"id": len(images) + 1, "file_name": name, "height": height, "width": width}
            for index, runs in _regions(kind_of[label_map.ids_to_indices(mask, name)]):
                annotation = {"id": count + 1, "image_id": len(images), "category_id": label_map.ids[index]}
                annotation |= _object(runs, (height, width))
                stream.write(f"{',' if count else ''}\n{json.dumps(annotation)}")
                count += 1
        stream.write(f'\n], "images": {json.dumps(list(images.values()), ensure_ascii=False)}}}\n')
    return count


def _category(index: int, label_map: LabelMap) -> dict[str, Any]:
    class_id = label_map.ids[index]
    category = {"id": class_id, "name": label_map.names[index], "color": list(label_map.colors[index])}
    return category | ({"isthing": int(class_id in label_map.things)} if label_map.things else {})


def _regions(kinds: Int32[np.ndarray, "height width"]) -> Iterator[tuple[int, Runs]]:
    """The class index and the mask of each region, given 1 + the class index of each pixel, and 0 for none."""
    pieces, _ = connected_components(kinds, 4)
    for runs in ids_to_rles(pieces)[1]:
        column, row = divmod(int(runs[0]), len(kinds))
        yield int(kinds[row, column]) - 1, runs


def _object(runs: Runs, size: tuple[int, int]) -> dict[str, Any]:
    """What COCO says of an object: its box is [x, y, width, height] in pixels."""
    borders = np.cumsum(runs, dtype=np.int64)
    first, last = borders[: len(runs) - 1 : 2], borders[1::2] - 1  # pixel of each run, column by column
    height = size[0]
    left, right = int(first[0] // height), int(last[-1] // height)
    within = first // height == last // height  # others reach from one column into the next
    top, bottom = (int((first % height).min()), int((last % height).max())) if within.all() else (0, height - 1)
    return {
        "iscrowd": 0,
        "area": rle_area(runs),
        "bbox": [left, top, right - left + 1, bottom - top + 1],
        "segmentation": rle_to_coco(runs, size),
    }
