"""Which reader reads what, and what every reader promises."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from intarsia.data.formats.mask import read_mask
from intarsia.data.rasters.opening import open_labels, open_raster
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError
from unit.data.rasters.picture_files import MAKERS, RGB, geotiff, ome_channels, zarr3_channels_last

READERS = {
    "geotiff": "GeoTiffRaster",
    "ome_channels": "TiffRaster",
    "ome_pyramid": "TiffRaster",
    "imagej": "TiffRaster",
    "zarr2_channels_first": "ZarrRaster",
    "zarr3_channels_last": "ZarrRaster",
    "ome_zarr4": "ZarrRaster",
    "ome_zarr5": "ZarrRaster",
    "png": "PictureRaster",
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, np.ndarray, str]:
    suffix, make = MAKERS[request.param]
    path = tmp_path / f"a.{suffix}"
    return path, make(path), request.param


def windows(size: tuple[int, int], count: int = 25) -> list[tuple[int, int, int, int]]:
    random = np.random.default_rng(1)
    edges = [np.sort(random.integers(0, length + 1, (count, 2)), axis=1) for length in size]
    boxes = [(int(y), int(x), int(b - y), int(r - x)) for (y, b), (x, r) in zip(*edges, strict=True)]
    return [(0, 0, *size), (size[0] - 1, size[1] - 1, 1, 1), *(box for box in boxes if box[2] and box[3])]


def check_windows(raster: Raster, whole: np.ndarray) -> None:
    for top, left, height, width in windows(raster.size):
        window = raster.read(top, left, height, width)
        assert window.dtype == raster.dtype
        assert np.array_equal(window, whole[top : top + height, left : left + width])


def test_any_window_is_a_slice_of_the_whole(made: tuple[Path, np.ndarray, str]) -> None:
    path, whole, kind = made
    raster = open_raster(path)
    assert isinstance(raster, Raster)
    assert type(raster).__name__ == READERS.get(kind, "GeoTiffRaster")
    assert (*raster.size, raster.channels) == whole.shape
    assert raster.name == str(path)
    check_windows(raster, whole)
    assert raster.valid(0, 0, *raster.size) is None
    raster.close()


def test_without_rasterio_every_tiff_is_read_by_tifffile(
    made: tuple[Path, np.ndarray, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole, _ = made
    monkeypatch.setitem(sys.modules, "rasterio", None)
    raster = open_raster(path)
    check_windows(raster, whole)
    raster.close()


def test_threads_may_read_at_the_same_time(made: tuple[Path, np.ndarray, str]) -> None:
    path, whole, _ = made
    raster = open_raster(path)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda window: raster.read(*window), windows(raster.size)))
    for (top, left, height, width), window in zip(windows(raster.size), read, strict=True):
        assert np.array_equal(window, whole[top : top + height, left : left + width])
    raster.close()


def test_identity_changes_with_the_file_and_with_nothing_else(made: tuple[Path, np.ndarray, str]) -> None:
    path, _, kind = made
    raster, again = open_raster(path), open_raster(path)
    assert raster.identity() == again.identity()
    assert len(raster.identity()) == 64
    before = raster.identity()
    changed = path if path.is_file() else max(path.rglob("*.json")) if kind == "zarr3_channels_last" else path
    os.utime(changed, ns=(1, 1))
    assert raster.identity() != before
    raster.close()
    again.close()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (17, 33)])
def test_thin_pictures(shape: tuple[int, int], tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    tifffile.imwrite(tmp_path / "plain.tif", values)
    tifffile.imwrite(tmp_path / "tiles.ome.tif", values, ome=True, tile=(16, 16), compression="zlib")
    Image.fromarray(values).save(tmp_path / "a.png")
    for path in tmp_path.iterdir():
        raster = open_raster(path)
        check_windows(raster, values[:, :, None])
        raster.close()


def test_a_tiff_on_its_side_is_decoded_whole_and_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RGB).save(tmp_path / "a.tif", exif=exif)
    raster = open_raster(tmp_path / "a.tif")
    assert type(raster).__name__ == "PictureRaster"
    assert np.array_equal(raster.read(0, 0, *raster.size), np.rot90(RGB, -1))


def test_small_tiffs_need_no_extra_and_large_ones_say_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rasterio", "tifffile"):
        monkeypatch.setitem(sys.modules, module, None)
    Image.fromarray(RGB).save(tmp_path / "a.tif")
    assert np.array_equal(open_raster(tmp_path / "a.tif").read(0, 0, 75, 131), RGB)
    monkeypatch.setattr("intarsia.data.rasters.opening._WHOLE_PIXELS", 100)
    with pytest.raises(
        DataError, match=r"a\.tif: needs the package rasterio.*Install it: pip install 'intarsia\[geo\]'"
    ):
        open_raster(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [
        ("tifffile", "ome_channels", "large"),
        ("zarr", "zarr3_channels_last", "large"),
        ("openslide", "geotiff", "slides"),
    ],
)
def test_a_missing_extra_is_one_line(
    module: str, name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix, make = MAKERS[name]
    make(tmp_path / f"a.{suffix}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf"needs the package {module}, .*pip install 'intarsia\[{extra}\]'"):
        open_raster(tmp_path / f"a.{suffix}", magnification=10.0 if module == "openslide" else None)


@pytest.mark.parametrize(
    ("make", "name"), [(geotiff, "a.tif"), (ome_channels, "a.ome.tif"), (zarr3_channels_last, "a.zarr")]
)
def test_stores_that_fsspec_reaches(make: Callable[[Path], np.ndarray], name: str, tmp_path: Path) -> None:
    whole = make(tmp_path / name)
    store = fsspec.filesystem("memory")
    store.put(f"{tmp_path}/", "/rasters", recursive=True)
    raster = open_raster(f"memory://rasters/{name}")
    check_windows(raster, whole)
    before = raster.identity()
    assert before == raster.identity()
    if name != "a.zarr":  # stores know no time of a folder
        store.pipe_file(f"/rasters/{name}", store.cat_file(f"/rasters/{name}") + b"0")
        assert raster.identity() != before
    raster.close()
    store.rm("/rasters", recursive=True)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("none.tif", r"none\.tif: cannot be opened \(no such file\)\. Give the path or address"),
        ("/vsizip/none.zip/a.tif", r"cannot be opened \(.*\)\. Give the path or address of a picture that GDAL reads"),
        ("memory://none/a.ome.tif", r"cannot be opened \(.*\)\. Give a picture file"),
        ("memory://none/a.zarr", r"cannot be opened as zarr \(.*\)\. Give a zarr array"),
        ("memory://none/a.svs", "is a slide in a store, but slides are read from the disk. Fetch it first"),
    ],
)
def test_what_is_not_there(address: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_raster(address)


def test_unknown_formats_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"nothing known")
    with pytest.raises(DataError, match=r"a\.xyz: cannot be opened \(.*not recognized.*\)\. Give"):
        open_raster(tmp_path / "a.xyz")
    with pytest.raises(DataError, match=r"cannot be opened \(is a directory\)"):
        open_raster(tmp_path)
    (tmp_path / "cut.tif").write_bytes(b"II*\0\x08\0\0\0\xff")
    with pytest.raises(DataError, match=r"cut\.tif: cannot be opened"):
        open_raster(tmp_path / "cut.tif")
    (tmp_path / "empty.tif").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.tif: cannot be opened"):
        open_raster(tmp_path / "empty.tif")


@pytest.mark.parametrize("kind", ["geotiff", "ome_channels", "zarr3_channels_last"])
def test_a_damaged_part_is_named_and_the_rest_is_read(kind: str, tmp_path: Path) -> None:
    suffix, make = MAKERS[kind]
    path = tmp_path / f"a.{suffix}"
    whole = make(path)
    if path.is_dir():
        victim = max(path.rglob("c/1/*/0"))
        victim.write_bytes(victim.read_bytes()[:40])
    else:
        with tifffile.TiffFile(path) as file:
            page = file.pages[len(file.pages) - 1]
            offset, count = page.dataoffsets[-1], page.databytecounts[-1]
        content = bytearray(path.read_bytes())
        content[offset : offset + count] = b"\xff" * count
        path.write_bytes(content)
    raster = open_raster(path)
    height, width = raster.size
    with pytest.raises(
        DataError,
        match=rf"a\.{suffix}: cannot be decoded in rows {height - 4}–{height - 1}, "
        rf"columns {width - 3}–{width - 1} \(.+\)\. Fetch or export the file again",
    ):
        raster.read(height - 4, width - 3, 4, 3)
    assert np.array_equal(raster.read(0, 0, 30, 40), whole[:30, :40])
    raster.close()


@pytest.mark.parametrize("reader", ["rasterio", "tifffile"])
@pytest.mark.parametrize("kind", ["bigtiff", "uncompressed_color"])
def test_a_file_cut_short(reader: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    whole = MAKERS[kind][1](path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    if reader == "tifffile":
        monkeypatch.setitem(sys.modules, "rasterio", None)
    raster = open_raster(path)
    assert np.array_equal(raster.read(0, 0, 16, 16), whole[:16, :16])
    with pytest.raises(DataError, match=r"a\.tif: cannot be decoded in rows 70–74, columns 100–130 \(.+\)\. Fetch"):
        raster.read(70, 100, 5, 31)
    raster.close()


def test_a_mask_is_opened_as_what_it_stores(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 2, (40, 70), dtype=np.uint8)
    palette = np.zeros((3, 256), np.uint16)
    palette[:, 1] = 65535, 257, 0
    tifffile.imwrite(tmp_path / "palette.tif", ids, photometric="palette", colormap=palette)
    Image.fromarray(ids.astype(bool)).save(tmp_path / "bits.tif")
    tifffile.imwrite(tmp_path / "plain.ome.tif", ids, ome=True)
    indexed = Image.fromarray(ids)
    indexed.putpalette(bytes(range(256)) * 3)
    indexed.save(tmp_path / "a.png")
    zarr.save_array(tmp_path / "a.zarr", ids.astype(bool))
    for path in sorted(tmp_path.iterdir()):
        raster = open_labels(path)
        assert (raster.channels, raster.dtype) == (1, np.dtype(np.uint8)), path
        check_windows(raster, ids[:, :, None])
        raster.close()
    assert open_raster(tmp_path / "palette.tif").channels == 3
    Image.fromarray(ids).save(tmp_path / "b.jpg")
    with pytest.raises(DataError, match=r"b\.jpg: is a mask saved as JPEG"):
        open_labels(tmp_path / "b.jpg")


def test_smaller_versions_in_a_tiff_are_no_further_pages(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(values)
        writer.write(values[::2, ::2], subfiletype=1)
    assert np.array_equal(read_mask(tmp_path / "pyramid.tif"), values)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        writer.write(values)
        writer.write(values)
    with pytest.raises(DataError, match="holds 2 pages or frames"):
        read_mask(tmp_path / "pages.tif")
