import errno
from pathlib import Path

import pytest

from intarsia.errors import OutputError
from intarsia.files import atomic_path, write_text


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    write_text(target, "one")
    write_text(target, "two")
    assert target.read_text() == "two"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fill(path: Path) -> None:
        path.write_text("half of the n")
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OutputError, match=r"a\.txt: could not be written \(no space left on device\).*Free some space"),
        atomic_path(target) as temporary,
    ):
        fill(temporary)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "a.txt") as temporary:
        interrupt(temporary)
    assert list(tmp_path.iterdir()) == []


def test_file_in_the_way_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        write_text(tmp_path / "a" / "b.txt", "x")
