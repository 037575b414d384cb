from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.folder import open_folder
from intarsia.errors import DataError

MakePair = Callable[..., tuple[Path, Path]]


@pytest.fixture
def data(tmp_path: Path, make_pair: MakePair) -> Path:
    for name in ("c", "a", "b", "d"):
        make_pair(tmp_path, name)
    return tmp_path


def test_one_folder_without_splits(data: Path) -> None:
    folder = open_folder(data)
    assert list(folder.splits) == ["all"]
    assert [item.name for item in folder.items] == ["a", "b", "c", "d"]
    assert folder.items[0].image == data / "images" / "a.png"
    assert folder.items[0].group == "a"
    assert folder.label_map.names == ("class 0", "class 1")
    assert folder.notes == ("No classes.yaml: inferred from 4 masks the classes 0 class 0, 1 class 1",)


def test_given_class_lists_win(data: Path) -> None:
    (data / "classes.yaml").write_text("classes: [sky, tree]")
    assert open_folder(data).label_map.names == ("sky", "tree")
    assert open_folder(data).notes == ()
    (data / "other.yaml").write_text("classes: [left, right]")
    assert open_folder(str(data), classes=str(data / "other.yaml")).label_map.names == ("left", "right")
    with pytest.raises(DataError, match=r"none\.yaml: cannot be read"):
        open_folder(data, classes=data / "none.yaml")


def test_split_files(data: Path) -> None:
    (data / "splits").mkdir()
    (data / "splits" / "train.txt").write_text("c\na\n\n")
    (data / "splits" / "test.txt").write_text("\ufeffb\r\n", encoding="utf-8")
    folder = open_folder(data)
    assert {name: [i.name for i in items] for name, items in folder.splits.items()} == {
        "train": ["a", "c"],
        "test": ["b"],
    }
    assert "1 of 4 pictures are in no split and are left out" in folder.notes


def test_split_folders(tmp_path: Path, make_pair: MakePair) -> None:
    for split, name in (("train", "a"), ("train", "b"), ("val", "a")):
        make_pair(tmp_path / split, name)
    folder = open_folder(tmp_path)
    assert {name: len(items) for name, items in folder.splits.items()} == {"train": 2, "val": 1}


def test_problems_of_all_split_folders_are_listed_together(tmp_path: Path, make_pair: MakePair) -> None:
    for split in ("train", "val"):
        make_pair(tmp_path / split, "a")[1].unlink()
        make_pair(tmp_path / split, "b")
    with pytest.raises(DataError, match=r"train/images/a\.png, .*val/images/a\.png: 2 images have no mask"):
        open_folder(tmp_path)


def test_hidden_files_are_passed_over_and_strangers_named(data: Path) -> None:
    (data / "images" / ".DS_Store").write_text("")
    (data / "images" / "Thumbs.db").write_text("")
    assert open_folder(data).notes[0].endswith("because they are no pictures that can be read: Thumbs.db")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "masks").rename(d / "labels"), r"has no folder masks/\. Put the pictures into images/ and"),
        (lambda d: (d / "masks" / "b.png").unlink(), r"images/b\.png: 1 image has no mask of the same name\. Add what"),
        (lambda d: (d / "images" / "b.png").unlink(), r"masks/b\.png: 1 mask has no image of the same name"),
        (
            lambda d: [(d / "masks" / f"{n}.png").rename(d / "masks" / f"{n}_mask.png") for n in "ab"],
            r"images/a\.png, .*images/b\.png, .*masks/a_mask\.png, .*b_mask\.png: 2 images have no mask and 2 masks",
        ),
        (
            lambda d: Image.new("L", (8, 6)).save(d / "images" / "b.jpg"),
            r"images/b\.jpg, .*images/b\.png: share their name up to the ending.*Keep one file",
        ),
        (
            lambda d: [(d / "masks" / f"{n}.png").rename(d / "masks" / f"{n}.jpg") for n in "ab"],
            r"masks/a\.jpg, .*masks/b\.jpg: is a mask saved as JPEG or WebP, whose compression can invent class ids",
        ),
        (lambda d: (d / "train").mkdir(), "holds images/ as well as train, .*Keep either"),
        (lambda d: (d / "classes.yaml").write_text("classes: ["), r"classes\.yaml: is not YAML"),
        (lambda d: (d / "splits").mkdir(), r"splits: holds none of train\.txt, val\.txt and test\.txt\. Add"),
    ],
)
def test_unusable_folders(data: Path, change: Callable[[Path], object], message: str) -> None:
    change(data)
    with pytest.raises(DataError, match=message):
        open_folder(data)


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        ("a\nx.png\ny\n", "b", r"train\.txt: x\.png, .*train\.txt: y: no picture has this name\. Give one name a line"),
        ("a\nb", "b\na", r"a in train\.txt and val\.txt, b in .*listed more than once, .*Keep each name in one place"),
        ("a\na", "b", r"a in train\.txt and train\.txt: listed more than once"),
        ("a", " \n", r"val\.txt: lists no picture\. Fill it"),
    ],
)
def test_unusable_split_files(data: Path, train: str, val: str, message: str) -> None:
    (data / "splits").mkdir()
    (data / "splits" / "train.txt").write_text(train)
    (data / "splits" / "val.txt").write_text(val)
    with pytest.raises(DataError, match=message):
        open_folder(data)


def test_no_folder_or_nothing_in_it(tmp_path: Path, data: Path) -> None:
    with pytest.raises(DataError, match=r"no: does not exist\. Give a folder that holds images/ and masks/"):
        open_folder(tmp_path / "no")
    with pytest.raises(DataError, match="is a file and not a folder"):
        open_folder(data / "images" / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: is empty\. Put the pictures into images/"):
        open_folder(tmp_path / "empty")
    for name in ("images", "masks"):
        (tmp_path / "empty" / name).mkdir()
    with pytest.raises(DataError, match=r"empty/images: holds no pictures\. Put the pictures"):
        open_folder(tmp_path / "empty")


def test_one_folder_too_high(tmp_path: Path, make_pair: MakePair) -> None:
    make_pair(tmp_path / "inner", "a")
    with pytest.raises(DataError, match=r"has no folder images/\. Did you mean .*inner\?"):
        open_folder(tmp_path)


def test_every_missing_mask_is_counted(tmp_path: Path, make_pair: MakePair) -> None:
    for number in range(9):
        _, mask = make_pair(tmp_path, str(number), mask=np.ones((6, 8), np.uint8))
        mask.unlink() if number else None
    with pytest.raises(DataError, match=r"1\.png, .*5\.png and 3 more: 8 images have no mask") as caught:
        open_folder(tmp_path)
    assert len(caught.value.where) == 8
