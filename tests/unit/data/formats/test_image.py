from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.image import as_image_array, read_image
from intarsia.errors import DataError, ShapeError

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GRAY = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (5, 7), dtype=np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_lossless_pictures_come_back_equal(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RGB).save(path, lossless=True)  # which only WebP looks at
    assert np.array_equal(read_image(path), RGB)
    if suffix != "webp":  # which has no gray
        Image.fromarray(GRAY).save(path)
        assert np.array_equal(read_image(path), GRAY[:, :, None])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay_sixteen_bits(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(DEEP).save(path)
    image = read_image(path)
    assert image.dtype == np.uint16
    assert np.array_equal(image[:, :, 0], DEEP)


def test_big_endian_and_32_bit_whole_numbers(tmp_path: Path) -> None:
    Image.frombytes("I;16B", (7, 5), DEEP.astype(">u2").tobytes()).save(tmp_path / "big.tif")
    Image.fromarray(DEEP.astype(np.int32)).save(tmp_path / "int.tif")
    for name in ("big.tif", "int.tif"):
        assert np.array_equal(read_image(tmp_path / name)[:, :, 0], DEEP)
        assert read_image(tmp_path / name).dtype.isnative


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[-1, 70000]], dtype=np.int32)).save(tmp_path / "int.tif")
    with pytest.raises(DataError, match=r"32-bit values from -1 to 70000, beyond 0–65535\. Rescale all pictures alike"):
        read_image(tmp_path / "int.tif")
    Image.fromarray(GRAY.astype(np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(
        DataError, match=r"float\.tif: holds values of a kind that is not read \(Pillow mode F\)\. Save"
    ):
        read_image(tmp_path / "float.tif")


def test_lab_color_is_refused(tmp_path: Path) -> None:
    Image.frombytes("LAB", (7, 5), RGB.tobytes()).save(tmp_path / "lab.tif")
    with pytest.raises(DataError, match="Pillow mode LAB"):
        read_image(tmp_path / "lab.tif")


def test_palettes_and_bits_are_expanded(tmp_path: Path) -> None:
    indexed = Image.fromarray(np.array([[0, 1], [2, 1]], dtype=np.uint8))
    indexed.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    indexed.save(tmp_path / "colors.png")
    assert read_image(tmp_path / "colors.png")[:, 1].tolist() == [[40, 50, 60], [40, 50, 60]]
    indexed.putpalette([9, 9, 9, 200, 200, 200, 7, 7, 7])
    indexed.save(tmp_path / "grays.png")
    assert read_image(tmp_path / "grays.png")[:, :, 0].tolist() == [[9, 200], [7, 200]]
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits.png")
    assert read_image(tmp_path / "bits.png").tolist() == [[[255], [0]]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_print_and_video_colors_become_rgb(mode: str, tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), (250, 30, 30)).convert(mode)
    picture.save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert np.abs(image.astype(int) - [250, 30, 30]).max() <= 4


def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path: Path) -> None:
    opaque, holes = np.full_like(GRAY, 255), np.full_like(GRAY, 255)
    holes[0, 0] = 254
    for name, planes in (("rgba", [*np.moveaxis(RGB, 2, 0)]), ("la", [GRAY])):
        Image.merge(name.upper(), [Image.fromarray(p) for p in (*planes, opaque)]).save(tmp_path / "a.png")
        assert np.array_equal(read_image(tmp_path / "a.png"), np.stack(planes, axis=2))
        Image.merge(name.upper(), [Image.fromarray(p) for p in (*planes, holes)]).save(tmp_path / "a.png")
        with pytest.raises(DataError, match=r"has transparent pixels, .* Flatten it onto a background"):
            read_image(tmp_path / "a.png")


@pytest.mark.parametrize("transparent", [1, b"\xff\x00\xff"])
def test_palette_transparency(transparent: int | bytes, tmp_path: Path) -> None:
    indexed = Image.fromarray(np.array([[0, 2]], dtype=np.uint8))
    indexed.putpalette([1, 2, 3, 0, 0, 0, 9, 8, 7])
    indexed.save(tmp_path / "a.png", transparency=transparent)  # index 1, which no pixel has
    assert read_image(tmp_path / "a.png").tolist() == [[[1, 2, 3], [9, 8, 7]]]
    indexed.save(tmp_path / "a.png", transparency=2)
    with pytest.raises(DataError, match="transparent pixels"):
        read_image(tmp_path / "a.png")


def test_gray_with_a_transparent_value(tmp_path: Path) -> None:
    Image.fromarray(np.array([[3, 4]], dtype=np.uint8)).save(tmp_path / "a.png", transparency=9)
    assert read_image(tmp_path / "a.png").tolist() == [[[3], [4]]]
    Image.fromarray(np.array([[3, 4]], dtype=np.uint8)).save(tmp_path / "a.png", transparency=4)
    with pytest.raises(DataError, match="transparent pixels"):
        read_image(tmp_path / "a.png")


def test_files_pil_images_and_arrays_agree(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "tif"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(RGB).save(path, exif=exif)
        upright = np.rot90(RGB, k=-1)
        with Image.open(path) as opened:
            assert np.array_equal(as_image_array(opened), upright)
        assert np.array_equal(as_image_array(path), upright)
        assert np.array_equal(as_image_array(str(path)), upright)
    assert np.array_equal(as_image_array(RGB), RGB)
    assert as_image_array(GRAY).shape == (5, 7, 1)
    assert as_image_array(np.zeros((4, 4, 6), np.uint16)).shape == (4, 4, 6)


def test_pil_image_of_a_truncated_file(tmp_path: Path) -> None:
    Image.fromarray(np.repeat(RGB, 20, axis=0)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-200])
    with Image.open(tmp_path / "a.jpg") as opened, pytest.raises(DataError, match="image: is cut short"):
        as_image_array(opened)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 3)), "has the dtype float64. Give the stored values as uint8"),
        (np.zeros((4, 4), dtype=bool), "has the dtype bool"),
        (np.zeros((2, 4, 4, 3), dtype=np.uint8), r"has the shape \[2, 4, 4, 3\]. Give one picture"),
        (np.zeros((0, 4), dtype=np.uint8), r"has the shape \[0, 4\]"),
        (np.zeros((3, 40, 50), dtype=np.uint8), r"looks like channels first. Move the channels last: np.moveaxis"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        as_image_array(array)
