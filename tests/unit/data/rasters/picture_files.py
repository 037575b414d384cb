"""Pictures of many kinds, each with what a reader must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import tifffile
import zarr
from PIL import Image

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (75, 131, 3), dtype=np.uint8)
GRAY = RANDOM.integers(0, 256, (75, 131), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (75, 131), dtype=np.uint16)
BANDS = RANDOM.integers(0, 65536, (5, 75, 131), dtype=np.uint16)


def write_geotiff(path: Path, bands: np.ndarray, **options: object) -> None:
    """[C, H, W] as GeoTIFF of pixels of 20 m × 10 m, 32² tiles unless told otherwise."""
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
    place = {"crs": "EPSG:32632", "transform": rasterio.Affine(10, 0, 500_000, 0, -20, 5_400_000)}
    layout = {"tiled": True, "blockxsize": 32, "blockysize": 32, "compress": "deflate"}
    with rasterio.open(path, "w", **{**profile, **place, **layout, **options}) as dataset:
        dataset.write(bands)


def geotiff(path: Path) -> np.ndarray:
    write_geotiff(path, BANDS)
    return np.moveaxis(BANDS, 0, -1)


def striped_geotiff(path: Path) -> np.ndarray:
    write_geotiff(path, np.moveaxis(RGB, -1, 0), tiled=False, blockysize=16, photometric="rgb", interleave="band")
    return RGB


def bigtiff(path: Path) -> np.ndarray:
    tifffile.imwrite(path, RGB, bigtiff=True, tile=(16, 32), compression="lzw", photometric="rgb")
    return RGB


def big_endian_strips(path: Path) -> np.ndarray:
    tifffile.imwrite(path, DEEP, byteorder=">", rowsperstrip=7, compression="zlib", predictor=True)
    return DEEP[:, :, None]


def uncompressed(path: Path) -> np.ndarray:
    tifffile.imwrite(path, DEEP, byteorder=">")
    return DEEP[:, :, None]


def uncompressed_color(path: Path) -> np.ndarray:
    tifffile.imwrite(path, RGB, photometric="rgb")
    return RGB


def uncompressed_planes(path: Path) -> np.ndarray:
    tifffile.imwrite(path, np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate")
    return RGB


def planes(path: Path) -> np.ndarray:
    tifffile.imwrite(
        path, np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate", tile=(32, 16), compression="zlib"
    )
    return RGB


def ome_channels(path: Path) -> np.ndarray:
    metadata = {"axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(
        path, BANDS, ome=True, tile=(32, 32), compression="zlib", metadata=metadata, photometric="minisblack"
    )
    return np.moveaxis(BANDS, 0, -1)


def ome_pyramid(path: Path) -> np.ndarray:
    with tifffile.TiffWriter(path, ome=True) as writer:
        options = {"tile": (32, 32), "compression": "zlib", "photometric": "rgb"}
        writer.write(RGB, subifds=1, metadata={"axes": "YXS"}, **options)
        writer.write(RGB[::2, ::2], subfiletype=1, metadata=None, **options)
    return RGB


def imagej(path: Path) -> np.ndarray:
    tifffile.imwrite(path, BANDS, imagej=True, metadata={"axes": "CYX", "unit": "um"}, resolution=(4.0, 2.0))
    return np.moveaxis(BANDS, 0, -1)


def zarr2_channels_first(path: Path) -> np.ndarray:
    array = zarr.create_array(path, shape=BANDS.shape, chunks=(2, 32, 50), dtype=">u2", zarr_format=2)
    array[:] = BANDS
    return np.moveaxis(BANDS, 0, -1)


def zarr3_channels_last(path: Path) -> np.ndarray:
    array = zarr.create_array(path, shape=RGB.shape, chunks=(16, 32, 3), shards=(64, 64, 3), dtype="u1")
    array[:] = RGB
    return RGB


def ome_zarr4(path: Path) -> np.ndarray:
    scale = [{"type": "scale", "scale": [1.0, 1.0, 1.0, 250.0, 500.0]}]
    image = {
        "axes": [{"name": "t"}, {"name": "c"}, {"name": "z"}, *({"name": n, "unit": "nanometer"} for n in "yx")],
        "datasets": [{"path": "0", "coordinateTransformations": scale}, {"path": "1"}],
    }
    group = zarr.create_group(path, zarr_format=2, attributes={"multiscales": [image]})
    group.create_array("0", data=BANDS[None, :, None], chunks=(1, 1, 1, 32, 32))
    group.create_array("1", data=BANDS[None, :, None, ::2, ::2])
    return np.moveaxis(BANDS, 0, -1)


def ome_zarr5(path: Path) -> np.ndarray:
    image = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "full"}]}
    group = zarr.create_group(path, attributes={"ome": {"version": "0.5", "multiscales": [image]}})
    group.create_array("full", data=GRAY, chunks=(32, 32))
    return GRAY[:, :, None]


def png(path: Path) -> np.ndarray:
    Image.fromarray(RGB).save(path)
    return RGB


_MAKERS: dict[str, tuple[Callable[[Path], np.ndarray], ...]] = {
    "tif": (
        geotiff,
        striped_geotiff,
        bigtiff,
        big_endian_strips,
        uncompressed,
        uncompressed_color,
        uncompressed_planes,
        planes,
        imagej,
    ),
    "ome.tif": (ome_channels, ome_pyramid),
    "zarr": (zarr2_channels_first, zarr3_channels_last, ome_zarr4, ome_zarr5),
    "png": (png,),
}
MAKERS = {make.__name__: (suffix, make) for suffix, makers in _MAKERS.items() for make in makers}
"""By name: the suffix of the file, and what writes it and gives the picture, [H, W, C]."""
