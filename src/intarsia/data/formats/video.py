"""Frames of a video, one after another, or by their number."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from intarsia.errors import DataError

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"})
"""File name endings (in lower case) of videos."""

Frame = UInt8[np.ndarray, "_height _width 3"]

_FRAME = re.compile(r"(.+)#frame=(\d+)")
_KEPT = 16  # frames, for what is read again or by several threads that share a list


def frame_address(path: str | Path, index: int) -> str:
    """What a frame of a video is called: ``clip.mp4#frame=0`` is the first."""
    return f"{path}#frame={index}"


def frame_of(address: str | Path) -> tuple[str, int] | None:
    """The video and the number that :func:`frame_address` put together; None of any other address."""
    found = _FRAME.fullmatch(str(address))
    return None if found is None or Path(found[1]).suffix.lower() not in VIDEO_SUFFIXES else (found[1], int(found[2]))


def count_frames(path: str | Path) -> int:
    """How many frames a video has, by decoding it: what its header says is a guess of the program that wrote it.

    One that is damaged from some frame on has one more, which says so when it is read.

    Raises:
        DataError: not even its first frame can be read, see :func:`read_frames`.
    """
    count = 0
    try:
        for _ in _decoded(path):
            count += 1
    except DataError:
        if not count:
            raise
        return count + 1
    return count


def read_frames(path: str | Path) -> Iterator[Frame]:
    """The frames of a video's first picture stream, in the order in which they are shown, turned as it says.

    Only one is held at a time.

    Args:
        path: any container and codec FFmpeg reads.

    Yields:
        RGB, uint8 [H, W, 3].

    Raises:
        DataError: the file is missing, no video, or damaged from some frame on, which is named; or PyAV is not there.
    """
    yield from map(_as_array, _decoded(path))


def read_frame(path: str | Path, index: int) -> Frame:
    """The frame of a number, from 0; cheap where frames are asked for about in order, as by threads that share a list.

    Raises:
        DataError: see :func:`read_frames`, or the video has no such frame.
    """
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError:
        changed = 0  # opening says what is wrong
    return _reader(str(path), changed).read(index)


class _Reader:
    """A video that is being decoded, and the frames that were passed last."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._frames = _decoded(self._path)
        self._next = 0
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def read(self, index: int) -> Frame:
        """The frame of this number."""
        with self._lock:
            if index < self._next and index not in self._kept:
                self._begin()
            while self._next <= index:
                try:
                    frame = next(self._frames)
                except StopIteration:
                    count = self._next
                    self._begin()
                    found = f"has {count} frames and no frame {index}, counted from 0"
                    raise DataError(found, where=self._path, remedy=f"Name a frame from 0 to {count - 1}") from None
                except DataError:
                    self._begin()
                    raise
                self._kept[self._next] = frame
                self._next += 1
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            frame = self._kept[index]
        return _as_array(frame)


@lru_cache(maxsize=2)
def _reader(path: str, changed: int) -> _Reader:
    return _Reader(path)


def _decoded(path: str | Path) -> Iterator[Any]:
    """Frames as PyAV has them."""
    try:
        import av
    except ImportError as error:
        raise DataError(
            "is a video, and the package av, which reads it, is not installed",
            where=path,
            remedy="Install it: pip install 'intarsia[video]'",
        ) from error
    count = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError("holds no pictures", where=path, remedy="Name a file with a video stream")
            for frame in container.decode(video=0):
                yield frame
                count += 1
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(
            f"cannot be decoded after {count} frame{'s' if count != 1 else ''} ({error.strerror or error})".lower(),
            where=path,
            remedy=f"Fetch or export the video again{'; earlier frames can be read' if count else ''}",
        ) from error


def _as_array(frame: Any) -> Frame:
    return upright(frame.to_ndarray(format="rgb24"), frame.rotation)


def upright(frame: Frame, degrees: int) -> Frame:
    """A frame turned counterclockwise by the angle its video says, to the nearest right angle."""
    return np.ascontiguousarray(np.rot90(frame, round(degrees / 90)))
