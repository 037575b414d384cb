import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PIL import Image, ImageOps

from intarsia.data.formats.decode import decode, upright
from intarsia.errors import DataError

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp"])
def test_every_truncation_is_one_clear_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    PICTURE.save(path)
    content = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(DataError, match=rf"a\.{suffix}: is cut short or not a picture\. Replace it by a whole"):
            decode(path)


def test_compressed_tiff_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    PICTURE.save(path, compression="tiff_lzw")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match="is cut short or not a picture"):
        decode(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is an empty file"), (b"just some text", "not a picture"), (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture")],
)
def test_files_that_are_no_pictures(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        decode(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.png: cannot be opened \(no such file or directory\)\. Give a picture"):
        decode(tmp_path / "no.png")
    with pytest.raises(DataError, match=r"cannot be opened \(is a directory\)"):
        decode(tmp_path)


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.png", format="JPEG")
    assert decode(tmp_path / "a.png").file_format == "JPEG"


def test_lossy_tiff_is_told_apart(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.tif", compression="jpeg")
    assert decode(tmp_path / "a.tif").file_format == "JPEG in TIFF"


@pytest.mark.parametrize("suffix", ["tif", "webp", "png"])
def test_several_pages_are_refused(suffix: str, tmp_path: Path) -> None:
    other = ImageOps.mirror(PICTURE)
    PICTURE.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[other, PICTURE])
    with pytest.raises(DataError, match=r"holds 3 pages or frames, .* Save each page as a picture of its own"):
        decode(tmp_path / f"a.{suffix}")


def test_phone_pictures_with_previews_are_their_first_frame(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[ImageOps.mirror(PICTURE)])
    PICTURE.save(tmp_path / "b.jpg")
    decoded = decode(tmp_path / "a.jpg")
    assert decoded.file_format == "MPO"
    assert np.array_equal(np.asarray(decoded.image), np.asarray(decode(tmp_path / "b.jpg").image))


def test_large_pictures_are_read_as_far_as_the_memory_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PICTURE.save(tmp_path / "a.png")
    for limit in (1500, 900):  # of 2000 pixels: Pillow would warn, and refuse
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decode(tmp_path / "a.png").image.size == (50, 40)
        assert limit == Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000))
    with pytest.raises(DataError, match=r"a\.png: has 50×40 pixels, and to decode them takes .* Save it as a tiled"):
        decode(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_orientation_agrees_with_pillow(suffix: str, tag: int, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = tag
    PICTURE.save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(upright(image)), expected)
    decoded = decode(path)
    assert np.array_equal(np.asarray(decoded.image), expected)
    assert expected.shape[0] == (50 if tag >= 5 else 40)
    assert decoded.orientation == tag


def test_nonsense_orientation_is_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    PICTURE.save(tmp_path / "a.png", exif=exif)
    assert decode(tmp_path / "a.png").orientation == 1
    assert np.array_equal(np.asarray(decode(tmp_path / "a.png").image), np.asarray(PICTURE))
