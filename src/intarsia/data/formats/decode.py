"""One way to open picture files, for images and masks alike: by content, upright, with one clear line on failure."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from PIL import ExifTags, Image

from intarsia.errors import DataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
"""File name endings (in lower case) of the pictures that can be read."""

# Named, so that Pillow never tries decoders that run other programs (EPS) on a file whose name lies.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_WHOLE_FILE = "Replace it by a whole PNG, JPEG, WebP, TIFF or BMP file, or remove it together with its image or mask"

# EXIF 2.32, tag 0x0112: how the stored rows and columns lie; the value is what turns them upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# TIFF 6.0, NewSubfileType: a smaller version of another page, as in pyramids, and where another is transparent.
_SUBFILE_TYPE, _SMALLER, _TRANSPARENCY = 254, 1, 4

_PIXEL = 8  # bytes: Pillow's four, and an array's

_warnings_lock = threading.Lock()


@dataclass(frozen=True)
class Decoded:
    """A decoded picture file.

    Args:
        image: the pixels, upright (the EXIF orientation is applied), in whatever mode the file has.
        file_format: what the content is, whatever the file is called: PNG, JPEG, MPO, WEBP, TIFF, BMP, or a TIFF
            with lossy compression, such as ``JPEG in TIFF``.
        raw_mode: how Pillow names the stored samples, such as ``L;4`` for gray of four bits.
        orientation: the EXIF orientation (1–8) that was undone; 1 when there was nothing to do.
    """

    image: Image.Image
    file_format: str
    raw_mode: str
    orientation: int


def stem_of(name: str) -> str:
    """A picture's file name without what tells its format: ``a`` for ``a.ome.tif``."""
    path = Path(name)
    return Path(path.stem).stem if Path(path.stem).suffix.lower() == ".ome" else path.stem


def decode(path: str | Path) -> Decoded:
    """Read a picture file whole and turn it upright.

    Raises:
        DataError: there is no such file, it is cut short or not a picture, holds several pages, or is too large.
    """
    try:
        with _silence(), _any_size():
            image = Image.open(path, formats=_FORMATS)
        with image:
            _check_room(image, path)
            file_format, raw_mode = _format(image), _raw_mode(image)
            with _silence():
                # Pillow itself turns TIFF files upright while it loads them, and then drops the tag.
                orientation = _tag(image) if image.format == "TIFF" else 1
                pages = _pages(image)
            turned = upright(image)
            orientation = max(orientation, _tag(image))
    except (MemoryError, DataError):
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        reason = (error.strerror or "no such file").lower()
        raise DataError(
            f"cannot be opened ({reason})", where=path, remedy="Give a picture file you may read"
        ) from error
    except Exception as error:
        # Decoders meet damaged bytes with nearly every exception there is, struct.error and KeyError among them.
        raise DataError(_damage(Path(path)), where=path, remedy=_WHOLE_FILE) from error
    if pages > 1:
        raise DataError(
            f"holds {pages} pages or frames, and it is not said which one is meant",
            where=path,
            remedy="Save each page as a picture of its own",
        )
    return Decoded(turned, file_format, raw_mode, orientation)


def upright(image: Image.Image) -> Image.Image:
    """Load a picture and apply its EXIF orientation, if it has one."""
    image.load()  # first, because this turns TIFF files upright already
    with _silence():
        turn = _UPRIGHT.get(_tag(image))
    return image if turn is None else image.transpose(turn)


def _tag(image: Image.Image) -> int:
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in _UPRIGHT else 1


def _check_room(image: Image.Image, path: str | Path) -> None:
    """That a picture fits into the memory; Pillow's own limit takes large pictures for attacks."""
    needed, free = _PIXEL * image.width * image.height, psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"has {image.width}×{image.height} pixels, and to decode them takes {needed / 1e9:.1f} GB of memory, of "
            f"which {free / 1e9:.1f} GB are free",
            where=path,
            remedy="Save it as a tiled TIFF, which is read by window, or cut it into pieces",
        )


def _pages(image: Image.Image) -> int:
    """How many pictures a file holds, besides those that belong to the first."""
    count = int(getattr(image, "n_frames", 1))
    if image.format == "MPO":  # of a phone, whose further frames are previews and depth maps
        return 1
    if image.format != "TIFF" or count == 1:
        return count
    kinds = []
    for index in range(count):
        image.seek(index)
        kinds.append(int(getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)))
    image.seek(0)
    return max(1, sum(not kind & (_SMALLER | _TRANSPARENCY) for kind in kinds))


def _format(image: Image.Image) -> str:
    compression = str(image.info.get("compression")).removeprefix("tiff_").upper()
    return f"{compression} in TIFF" if image.format == "TIFF" and compression in ("JPEG", "WEBP") else str(image.format)


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw_mode if isinstance(raw_mode, str) else image.mode


def _damage(path: Path) -> str:
    return "is an empty file" if path.stat().st_size == 0 else "is cut short or not a picture"


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Keep Pillow from refusing large pictures; within :func:`_silence`, whose lock guards its setting, too."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep Pillow's warnings about odd headers from people; the lock is because warning filters are not per thread."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
