"""COCO instance JSON and result lists: read whole, or refused in one line."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intarsia.data.formats.coco import read_coco, read_coco_results
from intarsia.errors import DataError
from intarsia.ops.rle import mask_to_rle, rle_area, rle_to_coco, rle_to_mask

MASK = np.zeros((4, 6), np.bool_)
MASK[1:3, 2:5] = True
COMPRESSED = rle_to_coco(mask_to_rle(MASK), (4, 6))
TRUTH: dict[str, Any] = {
    "images": [
        {"id": 9, "file_name": "b.jpg", "height": 4, "width": 6},
        {"id": 2, "height": 5, "width": 5},
    ],
    "annotations": [
        {"id": 1, "image_id": 9, "category_id": 18, "segmentation": [[2, 1, 5, 1, 5, 3, 2, 3]], "area": 6.5},
        {
            "id": 4,
            "image_id": 9,
            "category_id": 1,
            "segmentation": {"size": [4, 6], "counts": mask_to_rle(MASK).tolist()},
            "iscrowd": 1,
            "area": 6,
        },
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
}
RESULTS: list[dict[str, Any]] = [
    {"image_id": 9, "category_id": 18, "segmentation": COMPRESSED, "score": 0.25},
    {"image_id": 9, "category_id": 1, "segmentation": COMPRESSED, "score": 1},
]
Change = Callable[[Any], object]


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_truth_is_read_whole(tmp_path: Path) -> None:
    coco = read_coco(write(tmp_path, "truth.json", TRUTH))
    assert coco.label_map.ids == (1, 18)
    assert coco.label_map.names == ("person", "dog")
    assert coco.label_map.things == {1, 18}
    assert list(coco.objects) == [2, 9]
    assert coco.names == {2: "2", 9: "b.jpg"}
    assert len(coco.objects[2]) == 0
    objects = coco.objects[9]
    assert objects.size == (4, 6)
    assert objects.class_ids.tolist() == [18, 1]
    assert objects.areas.tolist() == [6.5, 6]
    assert objects.is_crowd.tolist() == [False, True]
    assert [rle_area(runs) for runs in objects.masks] == [6, 6]
    np.testing.assert_array_equal(rle_to_mask(objects.masks[1], (4, 6)), MASK)


def test_areas_are_counted_where_one_is_not_annotated(tmp_path: Path) -> None:
    content = copy.deepcopy(TRUTH)
    del content["annotations"][0]["area"]
    assert read_coco(write(tmp_path, "truth.json", content)).objects[9].annotated_areas is None


def test_results_are_read_for_every_picture(tmp_path: Path) -> None:
    truth = read_coco(write(tmp_path, "truth.json", TRUTH))
    found = read_coco_results(write(tmp_path, "results.json", RESULTS), truth)
    assert list(found) == [2, 9]
    assert len(found[2]) == 0
    assert found[9].scores is not None
    assert found[9].scores.tolist() == [0.25, 1]
    assert found[9].class_ids.tolist() == [18, 1]
    assert len(read_coco_results(write(tmp_path, "none.json", []), truth)[9]) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][0].update(image_id=3), r"annotations of 1 pictures .*: 3\. Use the same image ids"),
        (lambda c: c["annotations"][0].update(category_id=2), r"annotation 1 is of category 2, .*truth's \(1, 18\)"),
        (lambda c: c["annotations"][1].pop("segmentation"), r"truth\.json, annotation 4: has no mask.*`segmentation`"),
        (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), "annotation 1: a polygon has 4 coord"),
        (lambda c: c["annotations"][1]["segmentation"].update(counts=[3]), "annotation 4: the run lengths are damaged"),
        (lambda c: c["images"][0].update(width=7), r"annotation 4: its mask is 6×4 pixels, but its picture 7×4\. Give"),
        (lambda c: c["images"][0].pop("width"), r"entry 0 of `images` \(id 9\) has no whole number `width`"),
        (lambda c: c["images"].clear(), "lists no images"),
        (lambda c: c["categories"].clear(), "has no categories"),
        (lambda c: c["categories"][0].update(name=3), r"entry 0 of `categories` \(id 1\) has no text `name`"),
        (
            lambda c: c["categories"][0].update(name="dog"),
            "the name 'dog' stands for more than one class.*Correct the `cat",
        ),
        (lambda c: c.pop("annotations"), r"has no list `annotations`\. Give COCO instance JSON"),
        (lambda c: c["annotations"].append(5), "entry 2 of `annotations` has no whole number `id`"),
        (
            lambda c: c["annotations"][1].update(image_id=9.0),
            r"entry 1 of `annotations` \(id 4\) has no whole number `image_id`",
        ),
        (
            lambda c: c["images"][1].update(id=9),
            r"truth\.json: the id 9 stands for more than one image\. Give each image its own id",
        ),
        (lambda c: c["annotations"][1].update(id=1), "the id 1 stands for more than one annotation. Give each annotat"),
        (lambda c: c["images"][0].update(width=0), r"image 9: states 0×4 pixels\. Give each image its own `width`"),
        (lambda c: c["images"][0].update(height=-4), "image 9: states 6×-4 pixels"),
        (lambda c: c["images"][0].update(height=True), "entry 0 of `images` .*has no whole number `height`"),
        (lambda c: c["images"][0].update(height=10**7), "image 9: states 6×10000000 pixels"),
        (lambda c: c["images"][0].update(height=10**6, width=10**6), "image 9: states 1000000×1000000 pixels"),
        (lambda c: c["images"][0].update(file_name=3), "image 9: its `file_name` is no text"),
        (
            lambda c: c["annotations"][0].update(segmentation=[["a", 1, 2, 3, 4, 5]]),
            r"truth\.json, annotation 1: a polygon has the coordinate 'a' in a picture of 6×4 pixels\. Give each",
        ),
        (lambda c: c["annotations"][0]["segmentation"][0].append([3]), "annotation 1: a polygon has 9 coordinates"),
        (lambda c: c["annotations"][0].update(segmentation=[[0, 0, 1e9, 0, 1, 1]]), "annotation 1: .* 1000000000.0 in"),
        (lambda c: c["annotations"][0].update(segmentation=[[0, 0, 4, 0, float("nan"), 1]]), "annotation 1: .* nan in"),
        (
            lambda c: c["annotations"][0].update(area="big"),
            r"annotation 1: states the area 'big'\. Write `area` in pix",
        ),
        (lambda c: c["annotations"][0].update(area=float("nan")), "annotation 1: states the area nan"),
        (lambda c: c["annotations"][0].update(area=float("inf")), "annotation 1: states the area inf"),
        (lambda c: c["annotations"][0].update(area=10**400), "annotation 1: states the area 1000"),
        (lambda c: c["annotations"][0].update(area=-1), "annotation 1: states the area -1"),
        (lambda c: c["annotations"][0].update(area=True), "annotation 1: states the area True"),
        (
            lambda c: c["annotations"][0].update(iscrowd="0"),
            r"truth\.json, annotation 1: has the `iscrowd` '0'\. Write `iscrowd` as 0 or 1, not as text",
        ),
        (lambda c: c["annotations"][0].update(iscrowd=2), "annotation 1: has the `iscrowd` 2"),
        (lambda c: c["annotations"][0].update(iscrowd=None), "annotation 1: has the `iscrowd` None"),
        (lambda c: c["categories"][1].update(isthing="0"), "category 18: has the `isthing` '0'"),
        (
            lambda c: c["annotations"][1]["segmentation"].update(counts=[5.9, 2.2, 17.5]),
            "annotation 4: the run lengths are damaged: they are no whole numbers",
        ),
    ],
)
def test_a_wrong_truth_is_refused(tmp_path: Path, change: Change, message: str) -> None:
    content = copy.deepcopy(TRUTH)
    change(content)
    with pytest.raises(DataError, match=message):
        read_coco(write(tmp_path, "truth.json", content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda r: r[1].update(image_id=3),
            r"results of 1 pictures whose id is not among .*: 3\. Use the same image ids",
        ),
        (
            lambda r: r[1].update(image_id="9"),
            r"entry 1 of `results` has no whole number `image_id`\. Give a COCO result",
        ),
        (lambda r: r[1].update(category_id=0), r"result 1 is of category 0, .* not the channel numbers of a network"),
        (lambda r: r[1].pop("score"), "result 1 has no score.*Give every result a `score`"),
        (lambda r: r[1].update(score=float("nan")), "result 1 has the score nan"),
        (lambda r: r[1].update(score=10**400), "result 1 has the score 1000"),
        (
            lambda r: r[1].update(segmentation=[[0, 0, 4, 0, float("inf"), 1]]),
            r"results\.json, result 1: a polygon has the coordinate inf in a picture of 6×4 pixels",
        ),
        (lambda r: r[1].update(score="high"), "result 1 has the score 'high'"),
        (lambda r: r[1].update(score=True), "result 1 has the score True"),
        (lambda r: r[1].pop("segmentation"), "result 1: has no mask.*boxes alone cannot be scored"),
        (
            lambda r: r[1].update(segmentation={"size": [2, 3], "counts": [6]}),
            r"result 1: its mask is 3×2 pixels, but its picture 6×4\. Give masks at the picture's own size",
        ),
    ],
)
def test_wrong_results_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    truth, content = read_coco(write(tmp_path, "truth.json", TRUTH)), copy.deepcopy(RESULTS)
    change(content)
    with pytest.raises(DataError, match=message):
        read_coco_results(write(tmp_path, "results.json", content), truth)


def test_many_strange_pictures_are_counted(tmp_path: Path) -> None:
    truth = read_coco(write(tmp_path, "truth.json", TRUTH))
    content = [{**RESULTS[0], "image_id": i} for i in range(100, 110)]
    with pytest.raises(DataError, match=r"results of 10 pictures .*: 100, 101, 102, 103, 104 …\."):
        read_coco_results(write(tmp_path, "results.json", content), truth)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.json: cannot be opened \(no such file"):
        read_coco(tmp_path / "absent.json")
    with pytest.raises(DataError, match=r"holds a list \[…\], where an object {…} is expected"):
        read_coco(write(tmp_path, "list.json", RESULTS))
    with pytest.raises(DataError, match="neither an object nor a list"):
        read_coco(write(tmp_path, "number.json", 3))
    truth = read_coco(write(tmp_path, "truth.json", TRUTH))
    with pytest.raises(
        DataError, match=r"holds an object {…}, where a list \[…\] is expected.*Give a COCO result list"
    ):
        read_coco_results(truth.path, truth)
    cut = tmp_path / "cut.json"
    cut.write_text('{"images": [', encoding="utf-8")
    with pytest.raises(DataError, match="is no JSON, or is cut short"):
        read_coco(cut)
    cut.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(DataError, match="is no JSON, or is cut short"):
        read_coco(cut)


@pytest.mark.parametrize("flags", [(0, 1), (False, True)])
def test_crowd_flags_are_0_or_1(tmp_path: Path, flags: tuple[int, int]) -> None:
    content = copy.deepcopy(TRUTH)
    for annotation, crowd in zip(content["annotations"], flags, strict=True):
        annotation["iscrowd"] = crowd
    assert read_coco(write(tmp_path, "truth.json", content)).objects[9].is_crowd.tolist() == [False, True]
