import errno
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intarsia.data.formats.image import read_image
from intarsia.data.formats.mask import mask_to_indices, read_mask, write_mask
from intarsia.errors import DataError, OutputError
from intarsia.types import LabelMap

IDS = np.array([[0, 1, 2], [7, 11, 255]], dtype=np.uint8)


def _few_bit_png(bits: int, values: list[int]) -> bytes:
    """A one-row gray PNG of 1, 2 or 4 bits, written by the PNG specification because Pillow cannot."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = int("".join(f"{value:0{bits}b}" for value in values), 2).to_bytes(len(values) * bits // 8, "big")
    header = struct.pack(">IIBBBBB", len(values), 1, bits, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "bmp"])
def test_gray_masks_come_back_equal(suffix: str, tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_mask(tmp_path / f"a.{suffix}"), IDS)


@pytest.mark.parametrize(("bits", "values"), [(1, [0, 1, 1, 0, 0, 0, 0, 1]), (2, [0, 1, 2, 3]), (4, [0, 9, 11, 15])])
def test_ids_of_few_bits_are_not_spread_over_the_gray_range(bits: int, values: list[int], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_few_bit_png(bits, values))
    assert read_mask(tmp_path / "a.png").tolist() == [values]


def test_sixteen_and_thirty_two_bits(tmp_path: Path) -> None:
    ids = np.array([[0, 300, 65535]], dtype=np.uint16)
    Image.fromarray(ids).save(tmp_path / "a.png")
    Image.fromarray(ids.astype(np.int32)).save(tmp_path / "b.tif")
    for name in ("a.png", "b.tif"):
        assert np.array_equal(read_mask(tmp_path / name), ids)
    Image.fromarray(np.array([[0, 65536]], dtype=np.int32)).save(tmp_path / "c.tif")
    with pytest.raises(DataError, match=r"holds values from 0 to 65536, but class ids lie in 0–65535\. Save the class"):
        read_mask(tmp_path / "c.tif")


def test_a_palette_mask_is_read_as_its_indices(tmp_path: Path) -> None:
    indexed = Image.fromarray(IDS)
    indexed.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    indexed.save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png"), IDS)
    label_map = LabelMap(names=("a", "b", "c"))
    with pytest.raises(
        DataError,
        match=r"a\.png: is a palette picture, whose indices and not colors are read as ids: it holds the ids 7, 11, "
        r"255, but the classes are 0 a, 1 b, 2 c\. List these indices in classes\.yaml, or save",
    ):
        mask_to_indices(read_mask(tmp_path / "a.png"), label_map, tmp_path / "a.png")


def test_unknown_ids_of_a_gray_mask(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "a.png")
    with pytest.raises(
        DataError, match=r"a\.png: holds the id 255, but the classes are .*\. Correct the mask, or list"
    ):
        mask_to_indices(IDS, LabelMap(names=tuple("abcde"), ids=(0, 1, 2, 7, 11)), tmp_path / "a.png")
    label_map = LabelMap(names=tuple("abcde"), ids=(0, 1, 2, 7, 11), ignore=255)
    assert mask_to_indices(IDS, label_map, tmp_path / "a.png").tolist() == [[0, 1, 2], [3, 4, -1]]


@pytest.mark.parametrize(("name", "file_format"), [("a.jpg", "JPEG"), ("a.png", "JPEG"), ("a.png", "WEBP")])
def test_lossy_masks_are_refused_with_the_reason(name: str, file_format: str, tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / name, format=file_format)
    with pytest.raises(
        DataError, match=f"is a mask saved as {file_format}, whose compression can invent class ids .* Export the masks"
    ):
        read_mask(tmp_path / name)


def test_color_masks_are_refused_with_their_colors(tmp_path: Path) -> None:
    colors = np.array([[[0, 0, 0], [128, 0, 0]], [[0, 0, 0], [0, 128, 0]]], dtype=np.uint8)
    Image.fromarray(colors).save(tmp_path / "a.png")
    with pytest.raises(
        DataError,
        match=r"is a color picture \(RGB\) of 3 colors, \(0, 0, 0\), \(0, 128, 0\), \(128, 0, 0\), but a mask holds "
        r"one class id a pixel\. Convert each color to the id",
    ):
        read_mask(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_gray_masks_in_color_files_are_refused_with_the_fix(mode: str, tmp_path: Path) -> None:
    Image.fromarray(IDS).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=rf"\({mode}\) of grays, .* Save one of its equal channels as a gray PNG"):
        read_mask(tmp_path / "a.png")


def test_fractions_are_refused(tmp_path: Path) -> None:
    Image.fromarray(IDS.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="holds fractions"):
        read_mask(tmp_path / "a.tif")


def test_inverted_storage_is_refused(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "a.tif", tiffinfo={262: 0})  # photometric interpretation: white is zero
    with pytest.raises(DataError, match=r"stores its values inverted \(white is zero\)"):
        read_mask(tmp_path / "a.tif")


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["gray", "palette", "deep"])
def test_mask_and_image_turn_alike(kind: str, tag: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    picture = Image.fromarray(IDS.astype(np.uint16) if kind == "deep" else IDS)
    if kind == "palette":
        picture.putpalette(bytes(range(256)) * 3)
    picture.save(tmp_path / "mask.png", exif=exif)
    Image.fromarray(IDS).save(tmp_path / "image.png", exif=exif)
    assert np.array_equal(read_mask(tmp_path / "mask.png"), read_image(tmp_path / "image.png")[:, :, 0])


@st.composite
def _masks(draw: st.DrawFn) -> tuple[np.ndarray, LabelMap]:
    ids = draw(st.lists(st.integers(0, draw(st.sampled_from([3, 255, 65535]))), min_size=2, max_size=4, unique=True))
    ignore = ids.pop() if draw(st.booleans()) else None
    label_map = LabelMap(names=tuple(map(str, ids)), ids=tuple(ids), ignore=ignore)
    values = draw(st.lists(st.sampled_from([*ids] if ignore is None else [*ids, ignore]), min_size=6, max_size=6))
    return np.asarray(values, dtype=label_map.id_dtype).reshape(2, 3), label_map


@given(_masks())
def test_written_masks_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[np.ndarray, LabelMap]
) -> None:
    mask, label_map = case
    path = tmp_path_factory.mktemp("mask") / "a.png"
    write_mask(path, mask, label_map)
    assert np.array_equal(read_mask(path), mask)
    assert np.array_equal(label_map.indices_to_ids(mask_to_indices(mask, label_map, path)), mask)


def test_viewers_show_class_colors(tmp_path: Path) -> None:
    label_map = LabelMap(names=("a", "b"), ids=(3, 200), colors=((1, 2, 3), (4, 5, 6)), ignore=9)
    write_mask(tmp_path / "a.png", np.array([[3, 200, 9]], dtype=np.uint16), label_map)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert np.asarray(image.convert("RGB")).tolist() == [[[1, 2, 3], [4, 5, 6], [224, 224, 224]]]


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label_map = LabelMap(names=("a", "b"))
    mask = np.zeros((2, 2), dtype=np.uint8)
    with pytest.raises(OutputError, match=r"a\.jpg: masks are written as PNG only\. Call it a\.png"):
        write_mask(tmp_path / "a.jpg", mask, label_map)
    with pytest.raises(DataError, match="holds the id 5"):
        write_mask(tmp_path / "a.png", mask + np.uint8(5), label_map)

    def full(self: Image.Image, target: io.BytesIO, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="no space left on device"):
        write_mask(tmp_path / "a.png", mask, label_map)
    assert list(tmp_path.iterdir()) == []
