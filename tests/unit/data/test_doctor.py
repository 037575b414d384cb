import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.doctor import examine
from intarsia.data.examination import Examination
from intarsia.data.formats.folder import open_folder
from intarsia.errors import DataError

MakePair = Callable[..., tuple[Path, Path]]


@pytest.fixture
def data(tmp_path: Path, make_pair: MakePair) -> Path:
    for name in "abcd":
        make_pair(tmp_path, name)
    (tmp_path / "classes.yaml").write_text("classes: [background, cell]")
    return tmp_path


def _messages(examination: Examination, severity: str) -> list[str]:
    return [finding.message for finding in examination.findings if finding.severity == severity]


def _random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_a_healthy_folder_has_no_findings(data: Path) -> None:
    seen: list[tuple[int, int]] = []
    examination = examine(open_folder(data), lambda done, total: seen.append((done, total)))
    assert examination.findings == ()
    assert seen[-1] == (4, 4)
    examination.raise_if_unusable()
    summary = examination.summary()
    assert (summary.images, summary.channels, summary.bit_depth) == (4, 1, 8)
    assert summary.class_pixels == (4 * 32, 4 * 16)
    assert summary.class_images == (4, 4)


def test_one_look_finds_every_problem(data: Path, make_pair: MakePair) -> None:
    make_pair(data, "color", mask=np.dstack([np.eye(6, 8, dtype=np.uint8)] * 2 + [np.zeros((6, 8), np.uint8)]))
    make_pair(data, "size", mask=np.zeros((5, 8), np.uint8))
    make_pair(data, "size2", mask=np.zeros((6, 9), np.uint8))
    make_pair(data, "ids", mask=np.full((6, 8), 7, np.uint8))
    make_pair(data, "deep", image=np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000)
    make_pair(data, "both", mask=np.full((5, 8), 7, np.uint8))
    for kind in ("images", "masks"):
        make_pair(data, f"cut-{kind}")
        file = data / kind / f"cut-{kind}.png"
        file.write_bytes(file.read_bytes()[:50])
    examination = examine(open_folder(data))
    errors = "\n".join(_messages(examination, "error"))
    for expected in (
        "cut-images.png, ",
        "cut-masks.png: is cut short or not a picture. Replace it by a whole",
        "masks/color.png: is a color picture (RGB) of 2 colors",
        "3 times the like of: the image is 8 × 6 pixels (width × height), but its mask 8 × 5. Export the mask again",
        "both.png, ",
        "ids.png: holds the id 7, but the classes are 0 background, 1 cell. Correct the mask",
        "images/deep.png: 4 pictures have 8 bits and 1 have 16 bits; these have 16. Save all pictures with the same",
    ):
        assert expected in errors
    assert [record.item.name for record in examination.records] == ["a", "b", "c", "d", "deep"]
    with pytest.raises(
        DataError,
        match=r"size.*: 3 times the like of: the image is .*, and there are 4 more kinds of error\. Export the mask "
        r"again.*; `intarsia doctor .*` lists everything",
    ):
        examination.raise_if_unusable()


def test_nothing_usable_at_all(tmp_path: Path, make_pair: MakePair) -> None:
    make_pair(tmp_path, "a", mask=np.zeros((2, 2), np.uint8))
    examination = examine(open_folder(tmp_path))
    assert examination.to_dict()["all"] is None
    with pytest.raises(DataError, match=r"but its mask 2 × 2\. Export .*; `intarsia doctor"):
        examination.raise_if_unusable()
    with pytest.raises(DataError, match=r"no picture can be used\. Run `intarsia doctor"):
        examination.summary()


def test_class_lists_that_disagree_with_the_masks(data: Path, make_pair: MakePair) -> None:
    (data / "classes.yaml").write_text("classes: [background, cell, nucleus]")
    assert _messages(examine(open_folder(data)), "warning") == [
        f"{data}: no mask holds nucleus. Remove it from the class list, or add a mask that holds it."
    ]
    make_pair(data, "e", mask=np.full((6, 8), 2, np.uint8))
    (data / "splits").mkdir()
    (data / "splits" / "train.txt").write_text("a\nb")
    (data / "splits" / "val.txt").write_text("e")
    assert "no training mask holds nucleus" in _messages(examine(open_folder(data)), "warning")[0]
    (data / "splits" / "train.txt").write_text("e")
    (data / "splits" / "val.txt").write_text("a\nb")
    errors = _messages(examine(open_folder(data)), "error")
    assert errors == [
        f"{data}: the training masks hold only the class nucleus, so there is nothing to tell apart. "
        "Add masks of at least two classes, background counting as one."
    ]


def test_void_masks_and_constant_pictures(data: Path, make_pair: MakePair) -> None:
    (data / "classes.yaml").write_text("classes: [background, cell]\nignore: 9")
    make_pair(data, "void", mask=np.full((6, 8), 9, np.uint8))
    for name in ("flat", "flat2"):
        make_pair(data, name, image=np.full((6, 8), 4, np.uint8))
    examination = examine(open_folder(data))
    warnings = _messages(examination, "warning")
    assert "masks/void.png: every pixel of the mask is ignored. Draw the mask, or remove the pair." in warnings[0]
    assert "images/flat2.png: every pixel of the picture has one value. Remove it if that is a mistake." in warnings[1]
    assert len(warnings) == 2
    assert examination.summary().ignored == pytest.approx(1 / 7)
    assert examination.summary().one_class_masks == 1


def test_leaks_between_splits_are_found_by_pixels(tmp_path: Path, make_pair: MakePair) -> None:
    for split, name, seed in (("train", "a", 1), ("train", "b", 2), ("train", "c", 2), ("test", "other name", 1)):
        image, _ = make_pair(tmp_path / split, name, image=_random(seed, 6, 8))
    with Image.open(image) as picture:
        picture.save(image, compress_level=0)  # other bytes, same pixels
    warnings = _messages(examine(open_folder(tmp_path)), "warning")
    assert "train/images/a.png, " in warnings[0]
    assert "test/images/other name.png: the same picture is in more than one split, so scores would be" in warnings[0]
    assert "train/images/b.png, " in warnings[1]
    assert "train/images/c.png: the same picture occurs more than once. Keep one of each" in warnings[1]


def test_orientations_that_differ(data: Path, make_pair: MakePair) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    for name, tag in (("half turn", 3), ("quarter turn", 6)):
        image, _ = make_pair(data, name)
        exif[0x0112] = tag
        with Image.open(image) as picture:
            picture.save(image, exif=exif)
    examination = examine(open_folder(data))
    assert (
        "quarter turn.png: the image is 6 × 8 pixels (width × height), but its mask 8 × 6, after the EXIF"
        in (_messages(examination, "error")[0])
    )
    assert (
        "half turn.png: the image has an EXIF orientation that its mask lacks" in _messages(examination, "warning")[0]
    )


def test_the_plain_form_is_json(data: Path, make_pair: MakePair) -> None:
    make_pair(data, "ids", mask=np.full((6, 8), 7, np.uint8))
    content = json.loads(json.dumps(examine(open_folder(data)).to_dict()))
    assert content["all"]["images"] == 4
    assert content["splits"]["all"] == content["all"]
    assert content["classes"][1]["name"] == "cell"
    assert content["findings"][0]["severity"] == "error"
    assert content["findings"][0]["where"] == [str(data / "masks" / "ids.png")]
