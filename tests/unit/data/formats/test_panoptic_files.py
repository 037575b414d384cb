"""COCO panoptic JSON with its PNGs: found, read, or refused in one line."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from intarsia.data.formats.panoptic import ids_to_rgb, open_panoptic, read_panoptic, rgb_to_ids
from intarsia.errors import DataError
from intarsia.types import LabelMap

IDS = np.array([[0, 700, 700], [3, 3, 16_000_000]], np.uint32)
SEGMENTS = [
    {"id": 700, "category_id": 1, "iscrowd": 1, "area": 99},
    {"id": 3, "category_id": 9},
    {"id": 16_000_000, "category_id": 1},
]
CONTENT: dict[str, Any] = {
    "annotations": [{"image_id": 5, "file_name": "a.png", "segments_info": SEGMENTS}],
    "categories": [{"id": 1, "name": "cat", "isthing": 1}, {"id": 9, "name": "sky", "isthing": 0}],
}
LABELS = LabelMap(("cat", "sky"), ids=(1, 9), things=frozenset({1}))


def write(folder: Path, content: dict[str, Any] = CONTENT, name: str = "panoptic.json", pngs: str = "panoptic") -> Path:
    (folder / pngs).mkdir(parents=True, exist_ok=True)
    Image.fromarray(ids_to_rgb(IDS)).save(folder / pngs / "a.png")
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder / name


@given(arrays.arrays(np.uint32, (3, 4), elements=st.integers(0, 2**24 - 1)))
def test_ids_survive_as_colors(ids: np.ndarray) -> None:
    np.testing.assert_array_equal(rgb_to_ids(ids_to_rgb(ids)), ids)


def test_red_is_the_lowest_byte() -> None:
    assert ids_to_rgb(np.array([[1 + 2 * 256 + 3 * 65536]], np.uint32)).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("pngs", ["panoptic", "masks", "."])
def test_segments_are_read(tmp_path: Path, pngs: str) -> None:
    opened = open_panoptic(write(tmp_path, pngs=pngs))
    assert opened.label_map == LABELS
    assert list(opened.pictures) == [5]
    found = read_panoptic(opened.pictures[5], LABELS)
    np.testing.assert_array_equal(found.segment_ids, IDS)
    assert [(s.id, s.class_id, s.is_thing, s.area, s.is_crowd) for s in found.segments] == [
        (700, 1, True, 2, True),
        (3, 9, False, 2, False),
        (16_000_000, 1, True, 1, False),
    ]


def test_the_json_of_a_folder_is_found(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "instances.json").write_text("{}", encoding="utf-8")
    assert open_panoptic(tmp_path).path == path
    write(tmp_path, name="panoptic_2.json")
    with pytest.raises(DataError, match=r"holds 2 JSON files\. Name the panoptic JSON itself"):
        open_panoptic(tmp_path)
    with pytest.raises(DataError, match=r"holds no JSON file"):
        open_panoptic(tmp_path / "panoptic")


def test_predictions_need_no_categories(tmp_path: Path) -> None:
    assert open_panoptic(write(tmp_path, {"annotations": CONTENT["annotations"]})).label_map is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("annotations"), r"has no list `annotations`\. Give COCO panoptic JSON"),
        (lambda c: c["annotations"].clear(), "annotates no picture"),
        (lambda c: c["annotations"].append(c["annotations"][0]), "the image_id 5 stands for more than one annotation"),
        (
            lambda c: c["annotations"].append({**c["annotations"][0], "image_id": 6}),
            r"the file_name a\.png stands for more than one annotation\. Give each annotation its own file_name",
        ),
        (
            lambda c: c["annotations"][0]["segments_info"][1].update(iscrowd="0"),
            r"panoptic\.json, image 5, segment 3: has the `iscrowd` '0'\. Write `iscrowd` as 0 or 1",
        ),
        (
            lambda c: c["annotations"][0]["segments_info"][1].update(id=2**24),
            r"panoptic\.json, image 5: has a segment with the id 16777216\. Give segments ids from 1 to 16777215",
        ),
        (lambda c: c["annotations"][0]["segments_info"][1].update(id=0), "image 5: has a segment with the id 0"),
        (lambda c: c["categories"][1].update(isthing="no"), "category 9: has the `isthing` 'no'"),
        (lambda c: c["annotations"][0].pop("file_name"), "entry 0 of `annotations` has no text `file_name`"),
        (lambda c: c["annotations"][0].update(segments_info=4), "entry 0 of `annotations` has no list `segments_info`"),
        (
            lambda c: c["annotations"][0]["segments_info"][1].pop("id"),
            r"panoptic\.json, image 5: entry 1 of `segments_info` has no whole",
        ),
        (
            lambda c: c["annotations"][0].update(file_name="x.png"),
            r"x\.png is neither in panoptic/ nor in masks/.*Put the",
        ),
    ],
)
def test_a_wrong_json_is_refused(tmp_path: Path, change: Callable[[Any], object], message: str) -> None:
    content = copy.deepcopy(CONTENT)
    change(content)
    with pytest.raises(DataError, match=message):
        open_panoptic(write(tmp_path, content))


def test_a_wrong_png_is_refused(tmp_path: Path) -> None:
    picture = open_panoptic(write(tmp_path)).pictures[5]
    Image.new("L", (3, 2)).save(picture.png)
    with pytest.raises(
        DataError, match=r"a\.png: is PNG of mode L, not a color PNG of segment ids\. Write the ids as red"
    ):
        read_panoptic(picture, LABELS)
    picture.png.unlink()
    with pytest.raises(DataError, match="no such file"):
        read_panoptic(picture, LABELS)


def test_a_segment_twice_is_refused_with_its_file(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    content["annotations"][0]["segments_info"][1]["id"] = 700
    with pytest.raises(DataError, match=r"a\.png: the segment id 700 stands for more than one segment"):
        read_panoptic(open_panoptic(write(tmp_path, content)).pictures[5], LABELS)
