"""Writing files so that nothing is ever half-written: temporary file, fsync, rename."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from intarsia.errors import OutputError


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; it becomes ``path`` on success and vanishes on any failure.

    Args:
        path: the file to create or replace; missing parent folders are made.

    Yields:
        A path in the same folder with the same suffix, so that writers which look at the suffix still work.

    Raises:
        OutputError: the disk is full, the folder is read-only, or a folder is in the way.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes private files; what people receive follows their umask like any other file.
        temporary.chmod(0o666 & ~_umask())
        land(temporary, path)
    except OSError as error:
        raise output_error(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path`` as a whole or not at all; see :func:`atomic_path`."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8, as a whole or not at all; see :func:`atomic_path`."""
    write_bytes(path, content.encode())


def land(temporary: Path, path: Path) -> None:
    """Let a finished file of the same file system become ``path``, once it is safely on the disk.

    Raises:
        OutputError: it cannot.
    """
    try:
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise output_error(error, path) from error


def output_error(error: OSError, path: str | Path) -> OutputError:
    """Say in one line why ``path`` could not be written and what to do."""
    blocking = next((parent for parent in Path(path).parents if parent.is_file()), None)
    if blocking is not None:
        return OutputError(
            "could not be written, because it would lie inside a file",
            where=path,
            remedy=f"Name another folder than {blocking}",
        )
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return OutputError(
        f"could not be written ({reason}); nothing was left half-written",
        where=path,
        remedy="Free some space or choose another folder, then run the same command again",
    )


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
