"""What is written is what other programs read: rasterio for COG, tifffile for OME-TIFF, zarr for OME-Zarr."""

from __future__ import annotations

import resource
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import rasterio
import tifffile
import zarr

from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.cog import write_cog
from intarsia.data.rasters.ome_tiff import write_ome_tiff
from intarsia.data.rasters.ome_zarr import write_ome_zarr
from intarsia.data.rasters.opening import open_raster
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError, OutputError
from unit.data.rasters.label_rasters import CLASSES, SIZES, Stripes, labels, placed

Write = Callable[..., None]
WRITERS: dict[str, Write] = {"a.tif": write_cog, "a.ome.tif": write_ome_tiff, "a.zarr": write_ome_zarr}
all_writers = pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=["cog", "ome_tiff", "ome_zarr"])
all_sizes = pytest.mark.parametrize("size", SIZES, ids=str)
both_dtypes = pytest.mark.parametrize("dtype", [np.uint8, np.uint16])


def most_frequent(values: np.ndarray) -> np.ndarray:
    """Of each four pixels the most frequent value, of equally frequent ones the first."""
    height, width = values.shape
    padded = np.pad(values, ((0, height % 2), (0, width % 2)), mode="edge")
    four = np.stack([padded[y::2, x::2] for y in (0, 1) for x in (0, 1)])
    counts = (four[:, None] == four[None]).sum(axis=1)
    halved: np.ndarray = np.take_along_axis(four, counts.argmax(axis=0)[None], axis=0)[0]
    return halved


def check_levels(levels: list[np.ndarray], whole: np.ndarray) -> None:
    assert np.array_equal(levels[0], whole)
    for larger, smaller in pairwise(levels):
        assert np.array_equal(smaller, most_frequent(larger))
    assert max(levels[-1].shape) <= 512
    assert len(levels) == 1 or max(levels[-2].shape) > 512


@all_sizes
@both_dtypes
def test_cog_is_what_gdal_reads(size: tuple[int, int], dtype: Any, tmp_path: Path) -> None:
    whole = labels(size, dtype)
    write_cog(placed(whole), tmp_path / "a.tif", label_map=CLASSES, nodata=255, description="lands & seas")
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (dataset.count, dataset.dtypes[0], dataset.nodata) == (1, np.dtype(dtype).name, 255)
        assert (dataset.block_shapes, dataset.compression.name) == ([(512, 512)], "deflate")
        assert dataset.crs == rasterio.CRS.from_epsg(32632)
        assert dataset.transform == rasterio.Affine(10, 0, 500_000, 0, -20, 5_400_000)
        assert dataset.tags()["TIFFTAG_IMAGEDESCRIPTION"] == "lands & seas"
        names = {"CLASS_0": "sky & sea", "CLASS_3": "tree", "CLASS_7": "house", "CLASS_255": "ignore"}
        assert dataset.tags(1) == names
        if dtype == np.uint8:
            assert dataset.colormap(1)[3] == (*CLASSES.colors[1], 255)
        count = len(dataset.overviews(1))
        levels = [dataset.read(1)]
    for level in range(count):
        with rasterio.open(tmp_path / "a.tif", overview_level=level) as dataset:
            levels.append(dataset.read(1))
    check_levels(levels, whole)


@pytest.mark.parametrize("big", [False, True])
def test_cog_is_laid_out_as_the_standard_asks(big: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if big:
        monkeypatch.setattr("intarsia.data.rasters.tiff_layout.CLASSIC_LIMIT", 10_000)
    whole = labels((1100, 2531))
    write_cog(placed(whole), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff == big
        pages = [page.aspage() for page in file.pages]
        sizes = [page.shape for page in pages]
        directories = [page.offset for page in pages]
        data = [(min(page.dataoffsets), max(page.dataoffsets), sum(page.databytecounts)) for page in pages]
        assert all(page.is_tiled and page.tile == (512, 512) for page in pages)
        assert all(list(page.dataoffsets) == sorted(page.dataoffsets) for page in pages)
        assert [int(page.subfiletype) for page in pages] == [0, 1, 1, 1]
    assert sizes == [(1100, 2531), (550, 1266), (275, 633), (138, 317)]
    assert directories == sorted(directories)
    assert directories[-1] < min(first for first, _, _ in data)
    assert all(first > later_last for (first, _, _), (_, later_last, _) in pairwise(data))
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert np.array_equal(dataset.read(1), whole)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_place_without_a_system_and_nothing_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raster = placed(labels((20, 30)))
    assert raster.georeference is not None
    raster.georeference = type(raster.georeference)("", (2.0, 0.5, 7.0, 0.5, -2.0, 9.0))
    write_cog(raster, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.crs is None
        assert dataset.transform == rasterio.Affine(2, 0.5, 7, 0.5, -2, 9)
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(DataError, match=r"b\.tif: needs the package rasterio.*pip install 'intarsia\[geo\]'"):
        write_cog(raster, tmp_path / "b.tif")
    write_cog(ArrayRaster(labels((20, 30))), tmp_path / "b.tif")
    assert tifffile.imread(tmp_path / "b.tif").shape == (20, 30)


@all_sizes
@both_dtypes
def test_ome_tiff_is_what_tifffile_reads(size: tuple[int, int], dtype: Any, tmp_path: Path) -> None:
    whole = labels(size, dtype)
    write_ome_tiff(placed(whole), tmp_path / "a.ome.tif", label_map=CLASSES, description="tissue & air")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.is_ome
        assert not file.is_bigtiff
        assert len(file.series) == 1
        levels = [np.atleast_2d(level.asarray()).reshape(level.shape) for level in file.series[0].levels]
        described = tifffile.xml2dict(file.ome_metadata)["OME"]
    check_levels(levels, whole)
    pixels = described["Image"]["Pixels"]
    assert (pixels["PhysicalSizeY"], pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == (0.5, 0.25, "µm")
    assert (described["Image"]["Name"], pixels["Channel"]["Name"]) == ("tissue & air", "tissue & air")
    assert {"K": 3, "value": "tree"} in described["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]


def test_large_ome_tiffs_are_bigtiffs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intarsia.data.rasters.ome_tiff.CLASSIC_LIMIT", 10_000)
    whole = labels((700, 900))
    write_ome_tiff(ArrayRaster(whole), tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.is_bigtiff
        assert np.array_equal(file.asarray(), whole)


@all_sizes
@both_dtypes
def test_ome_zarr_is_what_zarr_reads(size: tuple[int, int], dtype: Any, tmp_path: Path) -> None:
    whole = labels(size, dtype)
    write_ome_zarr(placed(whole), tmp_path / "a.zarr", label_map=CLASSES, description="tissue")
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    (image,) = group.attrs["multiscales"]
    levels = [np.asarray(group[entry["path"]][:]) for entry in image["datasets"]]
    check_levels(levels, whole)
    assert (image["version"], image["name"]) == ("0.4", "tissue")
    assert image["axes"] == [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    assert image["datasets"][0]["coordinateTransformations"] == [{"type": "scale", "scale": [0.5, 0.25]}]
    if len(levels) > 1:
        assert image["datasets"][1]["coordinateTransformations"] == [
            {"type": "scale", "scale": [1.0, 0.5]},
            {"type": "translation", "translation": [0.25, 0.125]},
        ]
    assert group.attrs["image-label"]["properties"][1] == {"label-value": 3, "class": "tree"}
    assert open_raster(tmp_path / "a.zarr").pixel_size == (0.5, 0.25)


def test_probabilities_as_ome_zarr(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).random((600, 700, 3)).astype(np.float16)
    raster = Stripes((600, 700), channels=3, dtype=np.dtype(np.float16))
    raster.read = lambda top, left, height, width: whole[top : top + height, left : left + width]  # type: ignore[method-assign]
    write_ome_zarr(raster, tmp_path / "a.zarr", label_map=CLASSES)
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group["0"].dtype == np.float16
    assert group["0"].chunks == (1, 512, 512)
    assert np.array_equal(group["0"][:], np.moveaxis(whole, -1, 0))
    assert [channel["label"] for channel in group.attrs["omero"]["channels"]] == list(CLASSES.names)
    assert group.attrs["multiscales"][0]["axes"][0] == {"name": "c", "type": "channel"}


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files}


@all_writers
def test_the_same_raster_gives_the_same_bytes_and_replaces(name: str, write: Write, tmp_path: Path) -> None:
    raster = placed(labels((513, 700)))
    write(ArrayRaster(labels((1100, 1531))), tmp_path / name)
    write(raster, tmp_path / name, label_map=CLASSES)
    before = content(tmp_path / name)
    write(raster, tmp_path / name, label_map=CLASSES)
    assert content(tmp_path / name) == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@all_writers
def test_stores_that_fsspec_reaches(name: str, write: Write, tmp_path: Path) -> None:
    raster = placed(labels((513, 700)))
    write(raster, tmp_path / name)
    store = fsspec.filesystem("memory")
    for _ in range(2):
        write(raster, f"memory://written/{name}")
        put = {path.removeprefix("/written/"): store.cat_file(path) for path in store.find("/written")}
        assert put == content(tmp_path / name)
    store.rm("/written", recursive=True)


@all_writers
def test_a_store_nobody_knows(name: str, write: Write) -> None:
    with pytest.raises(
        OutputError, match=rf"nowhere://{name}: cannot be written to \(Protocol not known.*Give a folder or"
    ):
        write(ArrayRaster(labels((20, 30))), f"nowhere://{name}")


@all_writers
def test_progress(name: str, write: Write, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write(ArrayRaster(labels((513, 700))), tmp_path / name, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Let no file grow beyond ``free`` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@all_writers
def test_a_full_disk_leaves_what_was_there(name: str, write: Write, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 900), dtype=np.uint8)
    write(ArrayRaster(labels((20, 30))), tmp_path / name)
    before = content(tmp_path / name)
    with full_disk(100_000), pytest.raises(OutputError, match=rf"{name}: could not be written \(.*\).*Free some space"):
        write(ArrayRaster(noise), tmp_path / name)
    assert content(tmp_path / name) == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@all_writers
def test_a_folder_that_cannot_be_written(name: str, write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"lie inside a file\. Name another folder"):
        write(ArrayRaster(labels((20, 30))), tmp_path / "file" / name)


@all_writers
def test_what_cannot_be_read_leaves_nothing(name: str, write: Write, tmp_path: Path) -> None:
    class Damaged(Stripes):
        def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
            if top:
                raise DataError("cannot be decoded", where="here", remedy="Mend it")
            return super().read(top, left, height, width)

    for address in (tmp_path / name, f"memory://damaged/{name}"):
        with pytest.raises(DataError, match="Mend it"):
            write(Damaged((700, 700)), address)
    assert list(tmp_path.iterdir()) == []
    assert not fsspec.filesystem("memory").exists("/damaged")


@all_writers
def test_memory_does_not_grow_with_the_picture(name: str, write: Write, tmp_path: Path) -> None:
    def peak(size: tuple[int, int]) -> int:
        raster: Raster = Stripes(size)
        tracemalloc.start()
        write(raster, tmp_path / name)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak((600, 600))  # what libraries keep from their first use
    small, large = peak((1024, 1024)), peak((4096, 8192))
    assert large < small + 6 * 2**20  # of 32 MiB
    assert large < 16 * 2**20


@pytest.mark.parametrize(
    ("write", "module", "extra"), [(write_ome_tiff, "tifffile", "large"), (write_ome_zarr, "zarr", "large")]
)
def test_a_missing_extra_is_one_line(
    write: Write, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf"needs the package {module}.*pip install 'intarsia\[{extra}\]'"):
        write(ArrayRaster(labels((20, 30))), tmp_path / "a")
