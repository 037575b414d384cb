"""TIFF of microscopes: channels, planes, stacks, and how large a pixel is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from intarsia.data.formats.image import read_image
from intarsia.data.rasters.tiff import TiffRaster
from intarsia.errors import DataError
from unit.data.rasters.picture_files import BANDS, DEEP, GRAY, RGB, imagej, ome_channels


def test_pixel_sizes(tmp_path: Path) -> None:
    ome_channels(tmp_path / "ome.tif")
    imagej(tmp_path / "ij.tif")
    tifffile.imwrite(tmp_path / "cm.tif", GRAY, resolution=(20000, 10000), resolutionunit="CENTIMETER")
    tifffile.imwrite(tmp_path / "inch.tif", GRAY, resolution=(96, 96), resolutionunit="INCH")
    sizes = {"ome": (0.25, 0.5), "ij": (0.5, 0.25), "cm": (1.0, 0.5), "inch": None}
    for name, size in sizes.items():
        raster = TiffRaster(tmp_path / f"{name}.tif")
        assert raster.pixel_size == pytest.approx(size)
        raster.close()


def test_only_touched_tiles_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB, tile=(32, 32), compression="zlib", photometric="rgb")
    raster = TiffRaster(tmp_path / "a.tif")
    read: list[int] = []
    bytes_of = raster._bytes

    def noted(offset: int, count: int) -> bytes:
        read.append(offset)
        return bytes_of(offset, count)

    monkeypatch.setattr(raster, "_bytes", noted)
    raster.read(33, 33, 10, 10)
    raster.read(40, 40, 10, 40)
    assert len(read) == 2
    raster.close()


def test_a_stack_of_one_file_larger_than_its_directory_says(tmp_path: Path) -> None:
    # ImageJ writes one directory for all planes when the file is large; what is behind it is found all the same.
    tifffile.imwrite(tmp_path / "a.tif", BANDS, imagej=True, metadata={"axes": "CYX"}, truncate=False)
    raster = TiffRaster(tmp_path / "a.tif")
    raster._pages = raster._pages[:1]
    assert np.array_equal(raster.read(3, 5, 70, 100), np.moveaxis(BANDS, 0, -1)[3:73, 5:105])
    raster.close()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_alpha_is_no_channel(compression: str | None, tmp_path: Path) -> None:
    alpha = np.where(GRAY > 128, GRAY, 0)
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"], "compression": compression}
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([RGB, alpha]), **options)
    raster = TiffRaster(tmp_path / "a.tif")
    assert raster.channels == 3
    assert np.array_equal(raster.read(1, 2, 70, 100), RGB[1:71, 2:102])
    valid = raster.valid(1, 2, 70, 100)
    assert valid is not None
    assert np.array_equal(valid, alpha[1:71, 2:102] > 0)
    raster.close()


def test_jpeg_tiles(tmp_path: Path) -> None:
    smooth = np.asarray(Image.fromarray(RGB[:8, :8]).resize((131, 75), Image.Resampling.BICUBIC))
    tifffile.imwrite(tmp_path / "a.tif", smooth, tile=(32, 32), compression="jpeg", photometric="rgb")
    raster = TiffRaster(tmp_path / "a.tif")
    assert np.abs(raster.read(0, 0, 75, 131).astype(int) - smooth).mean() < 8
    raster.close()


def test_tiles_that_were_left_out_are_empty(tmp_path: Path) -> None:
    tiles = [GRAY[:32, :32], None, None, GRAY[:32, :32]]
    tifffile.imwrite(tmp_path / "a.tif", iter(tiles), shape=(64, 64), dtype=np.uint8, tile=(32, 32))
    raster = TiffRaster(tmp_path / "a.tif")
    assert np.array_equal(raster.read(0, 0, 32, 64)[:, :, 0], np.hstack([GRAY[:32, :32], np.zeros((32, 32))]))
    raster.close()


@pytest.mark.parametrize("kind", ["colors", "grays", "bits", "white"])
def test_palettes_and_bits_look_as_in_training(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    if kind == "white":
        tifffile.imwrite(path, GRAY, photometric="miniswhite")
    elif kind == "bits":
        Image.fromarray(GRAY > 99).save(path)
    else:
        picture = Image.fromarray(GRAY % 3)
        picture.putpalette(
            [10, 20, 30, 40, 50, 60, 70, 80, 90] if kind == "colors" else [9, 9, 9, 200, 200, 200, 7, 7, 7]
        )
        picture.save(path)
    raster = TiffRaster(path)
    whole = read_image(path)
    assert (*raster.size, raster.channels) == whole.shape
    assert np.array_equal(raster.read(0, 0, 75, 131), whole)
    raster.close()


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (
            np.stack([DEEP] * 4),
            {"metadata": {"axes": "ZYX"}, "photometric": "minisblack"},
            r"is a stack of pictures \(4 z × 75 y × 131 x\)\. Save each",
        ),
        (GRAY.astype(np.float32), {}, r"holds float32 values, but pictures are uint8 or uint16\. Rescale"),
        (np.dstack([RGB, GRAY]), {"photometric": "separated"}, r"holds CMYK colors\. Convert it to RGB"),
    ],
)
def test_refusals(values: np.ndarray, options: dict[str, object], message: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    with pytest.raises(DataError, match=r"a\.tif: " + message):
        TiffRaster(tmp_path / "a.tif")


def test_one_huge_strip_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, compression="zlib", rowsperstrip=75)
    monkeypatch.setattr("intarsia.data.rasters.tiff._LARGEST_CHUNK", 1000)
    with pytest.raises(DataError, match=r"compressed in pieces of 75 × 131 pixels.*Save it in tiles: gdal_translate"):
        TiffRaster(tmp_path / "a.tif")
