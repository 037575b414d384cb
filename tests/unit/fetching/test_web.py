from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from intarsia.errors import OutputError
from intarsia.fetching.web import download
from loopback import Behaviour, serve

CONTENT = os.urandom(200_000)
SIZE = len(CONTENT)


def _nothing(done: int, total: int) -> None: ...


def test_a_file_is_downloaded_with_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with serve(Behaviour(CONTENT)) as url:
        download(url, tmp_path / "a.part", SIZE, lambda done, total: seen.append((done, total)))
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == (SIZE, SIZE)


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    part, behaviour = tmp_path / "a.part", Behaviour(CONTENT)
    part.write_bytes(CONTENT[:150_000])
    with serve(behaviour) as url:
        download(url, part, SIZE, _nothing)
        download(url, part, SIZE, _nothing)  # all of it is there: nothing is asked
    assert part.read_bytes() == CONTENT
    assert behaviour.asked == ["bytes=150000-"]


def test_a_broken_connection_is_taken_up_again(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, breaks=[70_000, 70_000])
    with serve(behaviour) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert behaviour.asked == ["", "bytes=70000-", "bytes=140000-"]


def test_the_last_connection_allowed_may_complete_it(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, breaks=[40_000] * 4)
    with serve(behaviour) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert len(behaviour.asked) == 5


def test_a_line_that_keeps_breaking_is_given_up_and_its_bytes_kept(tmp_path: Path) -> None:
    behaviour = Behaviour(CONTENT, breaks=[10_000] * 20)
    with serve(behaviour) as url, pytest.raises(OSError, match="the connection ended after 50000 of 200000 bytes"):
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:50_000]


def test_what_is_there_of_a_server_without_ranges_is_dropped(tmp_path: Path) -> None:
    part, behaviour, seen = tmp_path / "a.part", Behaviour(CONTENT, ranges=False, breaks=[80_000]), list[int]()
    part.write_bytes(CONTENT[:22_001])
    with serve(behaviour) as url:
        download(url, part, SIZE, lambda done, total: seen.append(done))
    assert part.read_bytes() == CONTENT
    assert behaviour.asked == ["bytes=22001-", "bytes=80000-"]
    assert seen == sorted(seen)


def test_a_login_page_loses_nothing_of_what_is_there(tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    part.write_bytes(CONTENT[:150_000])
    with (
        serve(Behaviour(b"<html>Please log in</html>", ranges=False, says_length=False)) as url,
        pytest.raises(OSError, match="the connection ended after 26 of 200000 bytes"),
    ):
        download(url, part, SIZE, _nothing)
    assert part.read_bytes() == CONTENT[:150_000]


@pytest.mark.parametrize("length", ["abc", "12, 12", "-5", "²"])
def test_a_length_that_is_none_is_as_good_as_unsaid(length: str, tmp_path: Path) -> None:
    with serve(Behaviour(CONTENT, content_length=length)) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_range_of_a_file_of_unknown_length(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(CONTENT[:50_000])
    with serve(Behaviour(CONTENT, content_range=f"bytes 50000-{SIZE - 1}/*")) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT


@pytest.mark.parametrize("begin", [0, 100_000])
def test_a_server_need_not_say_how_long_the_file_is(begin: int, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(CONTENT[:begin])
    with serve(Behaviour(CONTENT, says_length=False)) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_file_of_another_size_is_not_even_written(tmp_path: Path) -> None:
    with (
        serve(Behaviour(b"<html>Please log in</html>")) as url,
        pytest.raises(OSError, match="it serves another file, of 26 bytes instead of 200000"),
    ):
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert not (tmp_path / "a.part").exists()


def test_an_endless_answer_is_cut_off(tmp_path: Path) -> None:
    with serve(Behaviour(CONTENT * 20, says_length=False)) as url:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert (tmp_path / "a.part").stat().st_size < SIZE + 100_000


def test_a_part_too_long_is_begun_anew(tmp_path: Path) -> None:
    part, behaviour = tmp_path / "a.part", Behaviour(CONTENT)
    part.write_bytes(b"x" * (SIZE + 1))
    with serve(behaviour) as url:
        download(url, part, SIZE, _nothing)
    assert part.read_bytes() == CONTENT
    assert behaviour.asked == [""]


def test_a_range_the_server_does_not_have_is_asked_for_as_a_whole(tmp_path: Path) -> None:
    part, behaviour = tmp_path / "a.part", Behaviour(CONTENT[:10])
    part.write_bytes(b"x" * 20)
    with serve(behaviour) as url, pytest.raises(OSError, match="another file, of 10 bytes"):
        download(url, part, SIZE, _nothing)
    assert behaviour.asked == ["bytes=20-", ""]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "a part of the file without saying which"),
        (f"bytes 60000-199999/{SIZE}", "the server begins at byte 60000 instead of 50000"),
    ],
)
def test_ranges_that_make_no_sense(said: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(CONTENT[:50_000])
    with serve(Behaviour(CONTENT, content_range=said)) as url, pytest.raises(OSError, match=message):
        download(url, tmp_path / "a.part", SIZE, _nothing)


def test_what_the_server_answers_is_said(tmp_path: Path) -> None:
    with serve(Behaviour(status=404)) as url, pytest.raises(OSError, match="the server answers 404 Not Found"):
        download(url, tmp_path / "a.part", SIZE, _nothing)


def test_a_refused_connection(tmp_path: Path) -> None:
    with serve(Behaviour()) as url:
        pass  # nobody listens there any more
    with pytest.raises(OSError, match="Connection refused"):
        download(url, tmp_path / "a.part", SIZE, _nothing)


def test_an_interruption_keeps_what_came(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        with pytest.raises(KeyboardInterrupt):
            download(url, tmp_path / "a.part", SIZE, interrupt)
        kept = (tmp_path / "a.part").read_bytes()
        assert 100_000 < len(kept) < SIZE
        assert CONTENT.startswith(kept)
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert behaviour.asked == ["", f"bytes={len(kept)}-"]
    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_full_disk_is_no_fault_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    (tmp_path / "a.part").symlink_to("/dev/full")
    with serve(Behaviour(CONTENT)) as url, pytest.raises(OutputError, match=r"a\.part: could not be written") as caught:
        download(url, tmp_path / "a.part", SIZE, _nothing)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno in (errno.ENOSPC, errno.EINVAL)
