from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from intarsia.data.formats.video import read_frames, upright
from intarsia.errors import DataError


def write_video(path: Path, count: int = 12) -> list[int]:
    """A video of even gray frames; returns their gray levels."""
    levels = [20 * index for index in range(count)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in levels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), "rgb24")))
        container.mux(stream.encode())
    return levels


def test_frames_come_in_order_one_at_a_time(tmp_path: Path) -> None:
    levels = write_video(tmp_path / "a.mp4")
    frames = list(read_frames(tmp_path / "a.mp4"))
    assert len(frames) == len(levels)
    assert all(frame.shape == (48, 64, 3) for frame in frames)
    assert np.allclose([frame.mean() for frame in frames], levels, atol=4)


def test_frames_are_turned_as_the_video_says() -> None:
    frame = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert np.array_equal(upright(frame, 0), frame)
    assert np.array_equal(upright(frame, 90), np.rot90(frame))
    assert np.array_equal(upright(frame, -90), np.rot90(frame, 3))
    assert np.array_equal(upright(frame, 180), frame[::-1, ::-1])


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"text.mp4: cannot be decoded after 0 frames \(invalid data"):
        list(read_frames(tmp_path / "text.mp4"))
    with pytest.raises(DataError, match=r"none.mp4: cannot be decoded after 0 frames \(no such file"):
        list(read_frames(tmp_path / "none.mp4"))


def test_without_pyav_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DataError, match=r"Install it: pip install 'intarsia\[video\]'"):
        list(read_frames(tmp_path / "a.mp4"))
