from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.classes import infer_classes, read_classes
from intarsia.errors import DataError
from intarsia.types import LabelMap


def _write(folder: Path, *masks: np.ndarray) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        Image.fromarray(mask).save(path)
    return paths


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("classes: [a, b", r"classes\.yaml: is not YAML \(line \d+\)\. Write it as text"),
        ("- a\n- b\n", r"classes\.yaml: is not a mapping\. Write `classes:`"),
        ("", "is not a mapping"),
        ("names: [a]", r"classes\.yaml: the key 'names' is unknown"),
        ("classes: [a, a]", r"classes\.yaml: the name 'a' stands for more than one class"),
    ],
)
def test_unusable_class_lists(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_classes(path)


def test_binary_and_missing_class_lists(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DataError, match="is not YAML"):
        read_classes(tmp_path / "classes.yaml")
    with pytest.raises(DataError, match=r"cannot be read \(no such file or directory\)"):
        read_classes(tmp_path / "no.yaml")


def test_reads_what_label_maps_are_written_as(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_text("classes:\n  0: background\n  255: lung\nignore: 7\n")
    assert read_classes(tmp_path / "classes.yaml") == LabelMap(names=("background", "lung"), ids=(0, 255), ignore=7)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([0, 255], LabelMap(names=("background", "foreground"), ids=(0, 255))),
        ([0, 1, 255], LabelMap(names=("class 0", "class 1"), ids=(0, 1), ignore=255)),
        ([0, 2, 5], LabelMap(names=("class 0", "class 2", "class 5"), ids=(0, 2, 5))),
        ([255], LabelMap(names=("class 255",), ids=(255,))),
        ([0, 300], LabelMap(names=("class 0", "class 300"), ids=(0, 300))),
    ],
)
def test_conventions(ids: list[int], expected: LabelMap, tmp_path: Path) -> None:
    masks = [np.full((2, 2), value, dtype=np.uint16 if max(ids) > 255 else np.uint8) for value in ids]
    label_map, note = infer_classes(_write(tmp_path, *masks), tmp_path)
    assert label_map == expected
    assert note == f"No classes.yaml: inferred from {len(ids)} masks the classes {expected.describe()}"


def test_unreadable_masks_are_left_to_the_doctor_unless_all_are(tmp_path: Path) -> None:
    paths = _write(tmp_path, np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8))
    label_map, note = infer_classes(paths, tmp_path)
    assert label_map.ids == (1,)
    assert "from 1 masks" in note
    with pytest.raises(DataError, match=r"0\.png, .*2\.png: is a color or transparent picture"):
        infer_classes([paths[0], paths[2]], tmp_path)


def test_instance_masks_are_recognized(tmp_path: Path) -> None:
    masks = [np.arange(count, dtype=np.uint16).repeat(9).reshape(3, -1) for count in (50, 90, 70)]
    with pytest.raises(
        DataError, match=r"hold 90 different ids, numbered without gaps .* instance masks.*Replace the obj"
    ):
        infer_classes(_write(tmp_path, *masks), tmp_path)


def test_smoothed_masks_are_recognized(tmp_path: Path) -> None:
    disk = np.hypot(*np.mgrid[-60:60, -60:60]) < 40
    mask = Image.fromarray((disk * 255).astype(np.uint8))
    smooth = np.asarray(mask.rotate(10, Image.Resampling.BICUBIC).resize((100, 90), Image.Resampling.BICUBIC))
    with pytest.raises(
        DataError, match=r"resized with smoothing or compressed as JPEG.*resize them by nearest neighbor"
    ):
        infer_classes(_write(tmp_path, smooth), tmp_path)
    mask.save(tmp_path / "a.jpg", quality=60)
    with Image.open(tmp_path / "a.jpg") as compressed:
        noisy = np.asarray(compressed)
    with pytest.raises(DataError, match="compressed as JPEG"):
        infer_classes(_write(tmp_path, noisy, noisy), tmp_path)


def test_photographs_are_recognized(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    with pytest.raises(DataError, match="look like photographs"):
        infer_classes(_write(tmp_path, noise, noise), tmp_path)
