"""Downloads from an address, continued where they broke off."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from intarsia.files import output_error

_STALL = 15.0  # seconds without a byte
_BLOCK = 1 << 16
_CONNECTIONS = 5  # a line that breaks again and again is given up after as many


def download(url: str, part: Path, size: int, progress: Callable[[int, int], None]) -> None:
    """Download a file of a known size; what ``part`` holds already is not fetched again.

    A connection that breaks is taken up where it broke, as long as each brings something. Certificates and proxies are
    the system's.

    Args:
        url: where the file is.
        part: what to fill; what came before a failure or an interruption stays in it for the next call.
        size: of the whole file, in bytes.
        progress: called with the bytes there are and ``size``.

    Raises:
        OSError: no such address, no connection, a file of another size, or a line that keeps breaking; the message
            says which.
        OutputError: ``part`` cannot be written.
    """
    if _length(part) > size:
        part.unlink()
    for connection in range(1, _CONNECTIONS + 1):
        before = _length(part)
        if before == size:
            return
        try:
            return _transfer(url, part, before, size, progress)
        except (OSError, HTTPException):
            if connection == _CONNECTIONS or _length(part) <= before:
                raise


def _transfer(url: str, part: Path, offset: int, size: int, progress: Callable[[int, int], None]) -> None:
    """Add what one connection brings from ``offset`` on.

    Of a server that begins earlier, knowing no ranges, what is there already is read and dropped: it may be something
    else that answers in its place, such as a login page, and what came before is not to be lost for that.
    """
    with _open(url, offset) as response:
        begin, total = _extent(response)
        if total not in (None, size):
            raise OSError(f"it serves another file, of {total} bytes instead of {size}")
        if begin > offset:
            raise OSError(f"the server begins at byte {begin} instead of {offset}")
        with _on_disk(part):
            part.touch()
            file = part.open("r+b", buffering=0)
        with file:
            with _on_disk(part):
                file.seek(offset)
            received = begin
            while received < size and (block := response.read(_BLOCK)):
                block, received = block[max(0, offset - received) :], received + len(block)
                while block:  # an unbuffered file may take less than it is given
                    with _on_disk(part):
                        block = block[file.write(block) :]
                progress(min(max(received, offset), size), size)
        if received < size:
            raise OSError(f"the connection ended after {received} of {size} bytes")


def _open(url: str, offset: int) -> Any:
    headers = {"User-Agent": "intarsia"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        return urlopen(Request(url, headers=headers), timeout=_STALL)
    except HTTPError as error:
        error.close()
        if offset and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _open(url, 0)
        raise OSError(f"the server answers {error.code} {error.reason}") from error


def _extent(response: Any) -> tuple[int, int | None]:
    """At which byte a response begins, and how many the whole file has if the server says so."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        given = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if given is None:
            raise OSError("the server sends a part of the file without saying which")
        return int(given[1]), None if given[2] == "*" else int(given[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length and length.isdecimal() else None


@contextlib.contextmanager
def _on_disk(part: Path) -> Iterator[None]:
    """Tell what the disk refuses from what the network does."""
    try:
        yield
    except OSError as error:
        raise output_error(error, part) from error


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
