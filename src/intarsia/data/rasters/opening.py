"""Which reader reads what."""

from __future__ import annotations

from pathlib import Path

from intarsia.data.formats.mask import lossy_mask
from intarsia.data.formats.video import frame_of
from intarsia.data.rasters.extras import installed, required
from intarsia.data.rasters.frame import FrameRaster
from intarsia.data.rasters.geotiff import GeoTiffRaster
from intarsia.data.rasters.identity import is_remote
from intarsia.data.rasters.picture import PictureRaster
from intarsia.data.rasters.raster import Raster
from intarsia.data.rasters.slide import SlideRaster
from intarsia.data.rasters.tiff import TiffRaster
from intarsia.data.rasters.tiff_tags import Tag, read_tags
from intarsia.data.rasters.zarr_store import ZarrRaster
from intarsia.errors import DataError

SLIDE_SUFFIXES = frozenset({".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide", ".dcm"})
"""File name endings (in lower case) that pathology's scanners use."""

RASTER_SUFFIXES = SLIDE_SUFFIXES | {".tif", ".tiff", ".btf", ".tf8", ".jp2", ".vrt", ".img", ".zarr"}
"""File name endings (in lower case) of what is read by window."""

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF")
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_ZARR_FILES = ("zarr.json", ".zarray", ".zgroup")
_MICROSCOPE = ("<OME", "ImageJ=")
_WIDTH, _LENGTH, _DESCRIPTION, _ORIENTATION, _GEO_KEYS = 256, 257, 270, 274, 34735
_COMPRESSION, _LOSSY = 259, {6: "JPEG", 7: "JPEG", 34892: "JPEG", 50001: "WebP"}
_WHOLE_PIXELS = 2**26  # up to which a TIFF is decoded whole when no reader of windows is installed


def open_raster(address: str | Path, *, magnification: float | None = None) -> Raster:
    """Open a picture of any size, to be read window by window.

    What it is, is judged by its content, and by its name where it lies in a store or scanners share a suffix:

    - a frame of a video (``clip.mp4#frame=7``): PyAV;
    - slides (by suffix, or whenever a magnification is asked for): OpenSlide;
    - zarr folders and addresses ending in ``.zarr``: zarr;
    - TIFF written by OME programs and ImageJ, which know channels GDAL does not: tifffile;
    - TIFF whose orientation says that it lies on its side: decoded whole;
    - other TIFF: rasterio, or tifffile if only that is installed, or decoded whole if it is small;
    - PNG, JPEG, WebP and BMP: fetched and decoded whole;
    - everything else, and all other addresses: rasterio.

    Args:
        address: a path, a URL of any store fsspec or GDAL reaches, or a GDAL name such as ``/vsizip/a.zip/b.tif``.
        magnification: of a slide, such as 20 for 20×; None: as scanned.

    Raises:
        DataError: there is no such picture, it cannot be opened, or the package that reads it is not installed.
    """
    frame = frame_of(address)
    if frame is not None and magnification is None:
        return FrameRaster(*frame)
    if magnification is not None and not is_remote(address):
        return SlideRaster(address, magnification=magnification)
    if magnification is not None or Path(address).suffix.lower() in SLIDE_SUFFIXES:
        if is_remote(address):
            raise DataError(
                "is a slide in a store, but slides are read from the disk", where=address, remedy="Fetch it first"
            )
        if Path(address).exists():
            return SlideRaster(address)
    return _open(address, expand=True)


def open_labels(address: str | Path) -> Raster:
    """Open a mask of any size, to be read window by window: its stored values are class ids.

    Of what :func:`open_raster` reads, slides and videos left out. A palette is decoration there, and nothing is spread
    over 0–255.

    Args:
        address: see :func:`open_raster`.

    Raises:
        DataError: see :func:`open_raster`; or the picture has several channels, or a compression that invents ids.
    """
    raster = _open(address, expand=False)
    if raster.channels != 1:
        raster.close()
        raise DataError(
            f"has {raster.channels} channels, but a mask holds one class id a pixel",
            where=address,
            remedy="Convert each color to the id of its class and save the ids as a gray or palette picture",
        )
    return raster


def _open(address: str | Path, *, expand: bool) -> Raster:
    path = Path(address)
    suffix = path.suffix.lower()
    if is_remote(address):
        if suffix == ".zarr" or ".zarr/" in str(address):
            return ZarrRaster(address, expand=expand)
        if suffix in _PICTURE_SUFFIXES:
            return PictureRaster(address, expand=expand)
        reader = TiffRaster if path.name.lower().endswith((".ome.tif", ".ome.tiff")) else GeoTiffRaster
        return reader(address, expand=expand)
    if is_zarr(path):
        return ZarrRaster(address, expand=expand)
    if not path.exists():
        if str(address).startswith("/vsi") or ":" in str(address):
            return GeoTiffRaster(address, expand=expand)
        raise DataError(
            "cannot be opened (no such file)", where=address, remedy="Give the path or address of a picture"
        )
    return _open_file(path, expand)


def is_zarr(path: Path) -> bool:
    """Whether a path is the folder of a zarr array or group."""
    return path.is_dir() and (path.suffix.lower() == ".zarr" or any((path / name).exists() for name in _ZARR_FILES))


def _open_file(path: Path, expand: bool) -> Raster:
    try:
        with path.open("rb") as file:
            tags = read_tags(file)
            file.seek(0)
            start = file.read(4)
    except OSError as error:
        raise DataError(
            f"cannot be opened ({(error.strerror or str(error)).lower()})",
            where=path,
            remedy="Give a picture file you may read",
        ) from error
    if tags is not None:
        return _open_tiff(path, tags, expand)
    a_picture = start.startswith(_PICTURES) or path.suffix.lower() in _PICTURE_SUFFIXES
    return (PictureRaster if a_picture else GeoTiffRaster)(path, expand=expand)


def _open_tiff(path: Path, tags: dict[int, Tag], expand: bool) -> Raster:
    description = tags[_DESCRIPTION].text() if _DESCRIPTION in tags else ""
    if not expand and _first(tags, _COMPRESSION) in _LOSSY:
        raise lossy_mask([path], f"{_LOSSY[_first(tags, _COMPRESSION)]} in TIFF")
    if any(word in description for word in _MICROSCOPE):
        return TiffRaster(path, expand=expand)
    if _first(tags, _ORIENTATION) > 1 and _GEO_KEYS not in tags:
        return PictureRaster(path, expand=expand)
    if installed("rasterio"):
        return GeoTiffRaster(path, expand=expand)
    if installed("tifffile"):
        return TiffRaster(path, expand=expand)
    if _first(tags, _WIDTH) * _first(tags, _LENGTH) > _WHOLE_PIXELS:
        required("rasterio", where=path)
    return PictureRaster(path, expand=expand)


def _first(tags: dict[int, Tag], code: int) -> int:
    values = tags[code].integers() if code in tags else ()
    return values[0] if values else 0
