"""Slides at any magnification; windows fit together to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from intarsia.data.rasters.opening import open_raster
from intarsia.data.rasters.slide import SlideRaster
from intarsia.errors import DataError

BASE = np.random.default_rng(0).integers(0, 256, (700, 1000, 3), dtype=np.uint8)
QUARTER = np.random.default_rng(1).integers(0, 256, (175, 250, 3), dtype=np.uint8)


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """As Aperio's scanners write: 20×, half a micrometer a pixel, and a level of a quarter the size."""
    path = tmp_path / "a.svs"
    with tifffile.TiffWriter(path) as writer:
        options = {"tile": (256, 256), "compression": "zlib", "photometric": "rgb", "metadata": None}
        description = "Aperio Image Library\r\n1000x700 |AppMag = 20|MPP = 0.5"
        writer.write(BASE, description=description, **options)
        writer.write(QUARTER, description="Aperio Image Library\r\n250x175", **options)
    return path


def test_as_scanned(slide: Path) -> None:
    raster = open_raster(slide)
    assert isinstance(raster, SlideRaster)
    assert (raster.size, raster.channels, raster.chunk) == ((700, 1000), 3, (256, 256))
    assert raster.dtype == np.uint8
    assert raster.pixel_size == (0.5, 0.5)
    assert np.array_equal(raster.read(0, 0, 700, 1000), BASE)
    assert np.array_equal(raster.read(250, 500, 20, 300), BASE[250:270, 500:800])
    assert raster.valid(0, 0, 700, 1000) is None
    raster.close()


def test_a_level_that_is_there_is_read_as_it_is(slide: Path) -> None:
    raster = open_raster(slide, magnification=5.0)
    assert raster.pixel_size == (2.0, 2.0)
    assert np.array_equal(raster.read(0, 0, 175, 250), QUARTER)
    raster.close()


@pytest.mark.parametrize(
    ("magnification", "level", "shrink"), [(10.0, BASE, 2), (2.5, QUARTER, 2), (4.0, QUARTER, 1.25)]
)
def test_between_levels_the_next_larger_one_is_averaged(
    magnification: float, level: np.ndarray, shrink: float, slide: Path
) -> None:
    raster = open_raster(slide, magnification=magnification)
    height, width = (int(length / shrink) for length in level.shape[:2])
    assert raster.size == (height, width)
    assert raster.pixel_size == pytest.approx((10 / magnification,) * 2)
    whole = raster.read(0, 0, height, width)
    if shrink == 2:
        mean = level[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
        assert np.array_equal(whole, np.floor(mean + 0.5))
    else:
        assert abs(whole.mean() - level.mean()) < 1
    random = np.random.default_rng(2)
    for top, left in zip(random.integers(0, height - 40, 20), random.integers(0, width - 50, 20), strict=True):
        window = raster.read(int(top), int(left), 40, 50)
        assert np.array_equal(window, whole[top : top + 40, left : left + 50])
    raster.close()


def test_what_was_not_scanned_is_white_and_not_valid(tmp_path: Path) -> None:
    tiles = [BASE[:256, :256], None, None, BASE[:256, :256]]  # a sparse slide, which OpenSlide shows transparent
    path = tmp_path / "a.svs"
    options = {"tile": (256, 256), "photometric": "rgb", "metadata": None, "shape": (512, 512, 3), "dtype": np.uint8}
    tifffile.imwrite(path, iter(tiles), description="Aperio |AppMag = 20|MPP = 0.5", **options)
    for raster in (open_raster(path), open_raster(path, magnification=10.0)):
        half = raster.size[0] // 2
        valid = raster.valid(0, 0, *raster.size)
        assert valid is not None
        assert valid[:half, :half].all()
        assert not valid[:half, half:].any()
        assert (raster.read(0, half, half, half) == 255).all()
        assert raster.valid(0, 0, half, half) is None
        raster.close()


@pytest.mark.parametrize("magnification", [None, 10.0])
def test_a_damaged_tile_is_named_and_the_rest_is_read(magnification: float | None, slide: Path) -> None:
    with tifffile.TiffFile(slide) as file:
        offset, count = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    content = bytearray(slide.read_bytes())
    content[offset : offset + count] = b"\xff" * count
    slide.write_bytes(content)
    raster = open_raster(slide, magnification=magnification)
    for _ in range(2):
        with pytest.raises(DataError, match=r"a\.svs: cannot be decoded in rows 3–12, columns 5–14 \(.+\)\. Fetch"):
            raster.read(3, 5, 10, 10)
        end = raster.size[0] - 10, raster.size[1] - 10
        assert raster.read(*end, 10, 10).any()
    raster.close()


def test_refusals(slide: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.svs: was scanned at 20×, and cannot be read at 40×\. Ask for .* up to 20"):
        open_raster(slide, magnification=40.0)
    tifffile.imwrite(tmp_path / "plain.tif", BASE, tile=(256, 256), photometric="rgb")
    with pytest.raises(DataError, match=r"does not say at which magnification.*Leave the magnification out"):
        open_raster(tmp_path / "plain.tif", magnification=10.0)
    (tmp_path / "b.svs").write_bytes(b"no slide")
    with pytest.raises(
        DataError, match=r"b\.svs: cannot be opened as a slide\. Give a whole slide that OpenSlide reads"
    ):
        open_raster(tmp_path / "b.svs")
    with pytest.raises(DataError, match=r"none\.svs: cannot be opened \(no such file\)"):
        open_raster(tmp_path / "none.svs")
