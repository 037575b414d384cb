"""Frames of a video, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from intarsia.errors import DataError

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"})
"""File name endings (in lower case) of videos."""

Frame = UInt8[np.ndarray, "_height _width 3"]


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
                yield upright(frame.to_ndarray(format="rgb24"), frame.rotation)
                count += 1
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(
            f"cannot be decoded after {count} frame{'s' if count != 1 else ''} ({error.strerror or error})".lower(),
            where=path,
            remedy="Fetch or export the video again; masks of earlier frames are there",
        ) from error


def upright(frame: Frame, degrees: int) -> Frame:
    """A frame turned counterclockwise by the angle its video says, to the nearest right angle."""
    return np.ascontiguousarray(np.rot90(frame, round(degrees / 90)))
