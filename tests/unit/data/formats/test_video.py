from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from intarsia.data.formats.video import count_frames, frame_address, frame_of, read_frame, read_frames, upright
from intarsia.errors import DataError


def write_video(path: Path, count: int = 12) -> list[int]:
    """A video of even gray frames; returns their gray levels."""
    levels = [20 * index % 240 for index in range(count)]
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


def test_frames_by_number_in_whatever_order(tmp_path: Path) -> None:
    levels = write_video(tmp_path / "a.mp4", 12) + write_video(tmp_path / "b.mp4", 40)
    assert (count_frames(tmp_path / "a.mp4"), count_frames(tmp_path / "b.mp4")) == (12, 40)
    frames = list(read_frames(tmp_path / "b.mp4"))
    for index in (0, 2, 1, 39, 38, 5, 20, 3, 3, 0):
        assert np.array_equal(read_frame(tmp_path / "b.mp4", index), frames[index])
    assert abs(read_frame(tmp_path / "a.mp4", 7).mean() - levels[7]) < 4
    with pytest.raises(DataError, match=r"a\.mp4: has 12 frames and no frame 12, counted from 0"):
        read_frame(tmp_path / "a.mp4", 12)
    assert np.array_equal(read_frame(tmp_path / "b.mp4", 39), frames[39])


def test_threads_share_a_video(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 40)
    frames = list(read_frames(tmp_path / "a.mp4"))
    with ThreadPoolExecutor(3) as pool:
        read = list(pool.map(lambda index: read_frame(tmp_path / "a.mp4", index), range(40)))
    assert all(np.array_equal(*pair) for pair in zip(read, frames, strict=True))


def test_a_frame_has_an_address() -> None:
    assert frame_of(frame_address("in/a.mp4", 7)) == ("in/a.mp4", 7)
    assert frame_of("a.png#frame=7") is None
    assert frame_of("a.mp4") is None


def test_a_damaged_video_has_one_frame_more_which_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(path: str | Path) -> Iterator[object]:
        yield from [object()] * 3
        raise DataError("cannot be decoded after 3 frames", where=path, remedy="Fetch it again")

    monkeypatch.setattr("intarsia.data.formats.video._decoded", damaged)
    assert count_frames(tmp_path / "a.mp4") == 4
    with pytest.raises(DataError, match="cannot be decoded after 3 frames"):
        read_frame(tmp_path / "a.mp4", 3)
