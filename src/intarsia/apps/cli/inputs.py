"""What ``intarsia predict`` is given: files, folders, patterns, lists on standard input, videos, addresses."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from intarsia.apps.cli.console import working
from intarsia.errors import DataError

LIST = "-"
"""Stands for a list on standard input, one input a line."""

_REMEDY = "Name picture files or videos, a folder of pictures, or a quoted pattern such as 'in/*.png'"


def expand(inputs: Sequence[str]) -> list[str]:
    """The pictures that inputs stand for, in order and without repeats: paths, or addresses as they were given.

    Raises:
        DataError: an input that matches nothing, a folder without pictures, an empty list, or two pictures of one name.
    """
    from intarsia.predict.saving import result_name

    pictures: dict[str, None] = {}
    for text in inputs:
        pictures.update(dict.fromkeys(_listed() if text == LIST else _found(text)))
    names = Counter(map(result_name, pictures))
    twins = [picture for picture in pictures if names[result_name(picture)] > 1]
    if twins:
        raise DataError(
            "would be written to the same mask file",
            where=twins,
            remedy="Predict them in separate calls with their own --out",
        )
    return list(pictures)


def _found(text: str) -> list[str]:
    from intarsia.data.formats.decode import IMAGE_SUFFIXES
    from intarsia.data.formats.video import count_frames, frame_address, frame_of
    from intarsia.data.rasters.addresses import to_address
    from intarsia.data.rasters.identity import is_remote
    from intarsia.data.rasters.opening import RASTER_SUFFIXES, is_zarr

    text = str(to_address(text))
    path = Path(text)
    if path.is_file() and _is_video(path):
        with working(f"counting the frames of {path.name}"):
            return [frame_address(path, index) for index in range(count_frames(path))]
    frame = frame_of(text)
    if frame is not None:
        return [frame_address(Path(frame[0]), frame[1])]  # one frame has one address
    if is_remote(text) and (text.endswith("/") or "*" in text):
        return _stored(text)
    if is_remote(text) or text.startswith("/vsi") or path.is_file() or is_zarr(path):
        return [text]
    if path.is_dir():
        known = IMAGE_SUFFIXES | RASTER_SUFFIXES
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in known or is_zarr(each))
        what = "holds no pictures"
    else:
        found = matching(text)
        what = "there is no such file, and no file matches it as a pattern"
    if not found:
        raise DataError(what, where=text, remedy=_REMEDY)
    return [picture for each in found for picture in (_found(str(each)) if _is_video(each) else [str(each)])]


def _is_video(path: Path) -> bool:
    from intarsia.data.formats.video import VIDEO_SUFFIXES

    return path.suffix.lower() in VIDEO_SUFFIXES


def _stored(address: str) -> list[str]:
    """The pictures in a folder of a store, or those that match a pattern."""
    from intarsia.data.formats.decode import IMAGE_SUFFIXES
    from intarsia.data.rasters.addresses import store_of
    from intarsia.data.rasters.opening import RASTER_SUFFIXES

    system, path = store_of(address)
    try:
        found = system.glob(path) if "*" in address else system.ls(path, detail=False)
    except OSError as error:
        raise DataError(f"cannot be looked into ({error})", where=address, remedy=_REMEDY) from error
    known = IMAGE_SUFFIXES | RASTER_SUFFIXES
    pictures = sorted(system.unstrip_protocol(each) for each in found if Path(each).suffix.lower() in known)
    if not pictures:
        raise DataError("holds no pictures", where=address, remedy=_REMEDY)
    return pictures


def _listed() -> list[str]:
    lines = [line.strip() for line in sys.stdin if line.strip()]
    if not lines:
        raise DataError("is empty", where="standard input", remedy="Write one picture a line to it")
    return [found for line in lines for found in _found(line)]


def matching(pattern: str) -> list[Path]:
    """The files a pattern such as ``in/**/*.png`` matches, sorted."""
    anchor = Path(Path(pattern).anchor)
    relative = Path(pattern).relative_to(anchor)
    return sorted(path for path in anchor.glob(str(relative)) if path.is_file()) if relative.parts else []
