"""What GDAL knows of a picture beside its values."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image

from intarsia.data.formats.image import read_image
from intarsia.data.rasters.geotiff import GeoTiffRaster
from intarsia.errors import DataError
from unit.data.rasters.picture_files import BANDS, DEEP, GRAY, RGB, write_geotiff

BYTES = np.moveaxis(RGB, -1, 0)


def test_place_and_pixel_size(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "a.tif", BANDS)
    raster = GeoTiffRaster(tmp_path / "a.tif")
    assert raster.georeference is not None
    assert raster.georeference.transform == (10, 0, 500_000, 0, -20, 5_400_000)
    assert "UTM zone 32N" in raster.georeference.crs
    assert raster.pixel_size == (20e6, 10e6)
    assert raster.chunk == (32, 32)
    raster.close()


def test_angles_are_no_lengths_and_nowhere_is_no_place(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "angles.tif", BANDS, crs="EPSG:4326", transform=rasterio.Affine(0.1, 0, 8, 0, -0.1, 50))
    raster = GeoTiffRaster(tmp_path / "angles.tif")
    assert raster.pixel_size is None
    assert raster.georeference is not None
    raster.close()
    tifffile.imwrite(tmp_path / "plain.tif", GRAY)
    raster = GeoTiffRaster(tmp_path / "plain.tif")
    assert raster.georeference is None
    raster.close()


def test_pixels_with_data_in_any_channel_are_valid(tmp_path: Path) -> None:
    bands = BANDS.copy()
    bands[:, 10:20, 30:50] = 7
    bands[0, 0, 0] = 7
    write_geotiff(tmp_path / "a.tif", bands, nodata=7)
    raster = GeoTiffRaster(tmp_path / "a.tif")
    valid = raster.valid(5, 25, 30, 40)
    assert valid is not None
    assert np.array_equal(valid, (bands != 7).any(axis=0)[5:35, 25:65])
    raster.close()


def test_alpha_is_no_channel_but_says_what_is_valid(tmp_path: Path) -> None:
    alpha = np.where(GRAY > 128, 255, 0).astype(np.uint8)
    write_geotiff(tmp_path / "a.tif", np.concatenate([BYTES, alpha[None]]), photometric="rgb", alpha="yes")
    raster = GeoTiffRaster(tmp_path / "a.tif")
    assert raster.channels == 3
    assert np.array_equal(raster.read(0, 0, 75, 131), RGB)
    valid = raster.valid(0, 0, 75, 131)
    assert valid is not None
    assert np.array_equal(valid, alpha > 0)
    raster.close()


def test_a_mask_band_says_what_is_valid(tmp_path: Path) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write_geotiff(tmp_path / "a.tif", BYTES)
        with rasterio.open(tmp_path / "a.tif", "r+") as dataset:
            dataset.write_mask(GRAY > 128)
    raster = GeoTiffRaster(tmp_path / "a.tif")
    valid = raster.valid(3, 4, 60, 70)
    assert valid is not None
    assert np.array_equal(valid, (GRAY > 128)[3:63, 4:74])
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
    raster = GeoTiffRaster(path)
    whole = read_image(path)
    assert (*raster.size, raster.channels) == whole.shape
    assert np.array_equal(raster.read(0, 0, 75, 131), whole)
    raster.close()


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_values_of_another_kind_are_refused(dtype: str, tmp_path: Path) -> None:
    values = np.full((1, 20, 20), np.nan) if dtype == "float32" else np.zeros((1, 20, 20))
    write_geotiff(tmp_path / "a.tif", values.astype(dtype))
    with pytest.raises(
        DataError, match=rf"a\.tif: holds {dtype} values, but pictures are uint8 or uint16\. Scale .*gdal_translate -ot"
    ):
        GeoTiffRaster(tmp_path / "a.tif")


def test_other_colors_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([DEEP] * 4), photometric="separated")
    with pytest.raises(DataError, match=r"holds colors that are not red, green and blue\. Convert it to RGB"):
        GeoTiffRaster(tmp_path / "a.tif")


def test_print_colors_of_8_bits_become_rgb(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "a.tif")
    raster = GeoTiffRaster(tmp_path / "a.tif")
    assert np.abs(raster.read(0, 0, 75, 131).astype(int) - read_image(tmp_path / "a.tif")).max() <= 2
    raster.close()


def test_pages_are_refused_by_name_and_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for page in (GRAY, DEEP):
            writer.write(page)
    with pytest.raises(
        DataError, match=rf"holds 2 pictures or pages.*Name one of them: GTIFF_DIR:1:{path}, GTIFF_DIR:2"
    ):
        GeoTiffRaster(path)
    raster = GeoTiffRaster(f"GTIFF_DIR:2:{path}")
    assert np.array_equal(raster.read(0, 0, 75, 131)[:, :, 0], DEEP)
    raster.close()


def test_no_warning_reaches_people(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GRAY)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        GeoTiffRaster(tmp_path / "a.tif").close()
    assert [each for each in caught if "georef" in str(each.message)] == []


def test_gdal_keeps_few_decoded_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rasterio.env import get_gdal_config

    monkeypatch.delenv("GDAL_CACHEMAX", raising=False)
    tifffile.imwrite(tmp_path / "a.tif", GRAY)
    GeoTiffRaster(tmp_path / "a.tif").close()
    assert get_gdal_config("GDAL_CACHEMAX") == 64 * 2**20
