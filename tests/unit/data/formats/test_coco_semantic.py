"""Class masks as COCO JSON: read by pycocotools, they are the masks again."""

from __future__ import annotations

import contextlib
import io
import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import cc3d
import numpy as np
import pytest
from hypothesis import given
from pycocotools.coco import COCO

from intarsia.data.formats.coco import read_coco
from intarsia.data.formats.coco_semantic import write_coco
from intarsia.errors import DataError, OutputError
from intarsia.types import LabelMap
from unit.data.vectors.vector_masks import LABELS, VOID, blobs, masks

# pycocotools' decode
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EVERY = list(LABELS.names)


def opened(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        return COCO(path)


@given(masks())
def test_pycocotools_reads_the_masks_again(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("coco") / "masks.json"
    pictures = [("first.png", np.zeros((2, 3), np.uint8)), ("second.png", mask)]
    count = write_coco(path, iter(pictures), LABELS, classes=EVERY)
    coco = opened(path)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[2]))
    assert len(annotations) == count - 1
    back = np.full_like(mask, VOID)
    for annotation in annotations:
        region = coco.annToMask(annotation).astype(bool)
        assert (back[region] == VOID).all()
        back[region] = annotation["category_id"]
        assert cc3d.connected_components(region, connectivity=4, return_N=True)[1] == 1
        rows, columns = np.nonzero(region)
        x, y, width, height = annotation["bbox"]
        assert (x, y, x + width, y + height) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert annotation["area"] == region.sum()
    np.testing.assert_array_equal(back, mask)


def test_many_pictures_are_one_file(tmp_path: Path) -> None:
    masks_of = {f"{seed}.png": blobs((40, 30 + seed), seed) for seed in range(3)}
    path = tmp_path / "masks.json"
    count = write_coco(path, masks_of.items(), LABELS)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [image["id"] for image in content["images"]] == [1, 2, 3]
    assert content["images"][2] == {"id": 3, "file_name": "2.png", "height": 40, "width": 32}
    assert [annotation["id"] for annotation in content["annotations"]] == list(range(1, count + 1))
    assert [category["id"] for category in content["categories"]] == [5, 9]  # not the background
    assert content["categories"][0] == {"id": 5, "name": "lung", "color": list(LABELS.colors[1])}
    ours = read_coco(path)
    assert ours.names == {1: "0.png", 2: "1.png", 3: "2.png"}
    for image_id, mask in zip((1, 2, 3), masks_of.values(), strict=True):
        assert ours.objects[image_id].areas.sum() == (mask > 0).sum()
    write_coco(tmp_path / "again.json", masks_of.items(), LABELS)
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_things_and_stuff_are_told_apart(tmp_path: Path) -> None:
    labels = LabelMap(("sky", "car"), things=frozenset({1}))
    path = tmp_path / "masks.json"
    write_coco(path, [("a.png", np.array([[0, 1]], np.uint8))], labels)
    assert [category["isthing"] for category in json.loads(path.read_text())["categories"]] == [0, 1]
    assert read_coco(path).label_map.things == {1}


def test_no_picture_and_no_region(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    assert write_coco(path, [], LABELS) == 0
    assert opened(path).getImgIds() == []
    assert write_coco(path, [("a.png", np.full((2, 2), VOID, np.uint8))], LABELS) == 0
    assert opened(path).getImgIds() == [1]


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    path, mask = tmp_path / "masks.json", np.zeros((2, 2), np.uint8)
    with pytest.raises(DataError, match=r"there is no class 'hart'\. Did you mean 'heart'"):
        write_coco(path, [("a.png", mask)], LABELS, classes=["hart"])
    with pytest.raises(DataError, match=r"a\.png: stands for two pictures\. Give each picture a name of its own"):
        write_coco(path, [("a.png", mask), ("a.png", mask)], LABELS)
    with pytest.raises(DataError, match=r"b\.png: holds the id 7, but"):
        write_coco(path, [("a.png", mask), ("b.png", mask + np.uint8(7))], LABELS)
    giant = np.broadcast_to(np.uint8(0), (2**16, 2**16))
    with pytest.raises(DataError, match=r"g\.png: has 4294967296 pixels, more than COCO counts\. Write GeoJSON"):
        write_coco(path, [("g.png", giant)], LABELS)
    assert not list(tmp_path.iterdir())
    path.write_text("a file")
    with pytest.raises(OutputError, match="would lie inside a file"):
        write_coco(path / "masks.json", [("a.png", mask)], LABELS)


def test_pictures_are_taken_one_after_another(tmp_path: Path) -> None:
    given: list[weakref.ref[np.ndarray]] = []

    def pictures() -> Iterator[tuple[str, np.ndarray]]:
        for index in range(5):
            assert sum(each() is not None for each in given) <= 1
            mask = np.zeros((4, 4), np.uint8)
            given.append(weakref.ref(mask))
            yield f"{index}.png", mask
            del mask

    assert write_coco(tmp_path / "masks.json", pictures(), LABELS, classes=EVERY) == 5
