"""Results that appear whole or not at all, on the disk or in a store."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from intarsia.data.rasters.identity import is_remote
from intarsia.errors import OutputError
from intarsia.files import atomic_path, land, output_error


@contextlib.contextmanager
def delivered_file(address: str | Path) -> Iterator[Path]:
    """Give a path to write a file to; on success it is at ``address``, and on any failure nothing is.

    For a fsspec address the file is written among the temporary files of this machine and then put there, because
    TIFF writers go back and stores cannot.

    Raises:
        OutputError: it cannot be written, or not be put there.
    """
    if not is_remote(address):
        with atomic_path(address) as temporary:
            yield temporary
        return
    with _put_after(str(address)) as local:
        yield local


@contextlib.contextmanager
def delivered_folder(address: str | Path) -> Iterator[Path]:
    """Give a folder to write into; on success it is at ``address`` in the place of what was there before.

    Stores cannot rename: there the folder before it is removed and the new one put object by object.

    Raises:
        OutputError: it cannot be written, or not be put there.
    """
    if is_remote(address):
        with _put_after(str(address)) as local:
            local.mkdir()
            yield local
        return
    path = Path(address)
    folder = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent))
        made = folder / path.name
        made.mkdir()
        yield made
        before = folder / "before"
        if path.is_dir():
            path.rename(before)  # a folder cannot be replaced in one step
        try:
            land(made, path)
        except OutputError:
            if before.exists():
                before.rename(path)
            raise
    except OSError as error:
        raise output_error(error, path) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _system(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise OutputError(
            f"cannot be written to ({error})", where=address, remedy="Give a folder or an address fsspec can write to"
        ) from error
    return system, path


@contextlib.contextmanager
def _put_after(address: str) -> Iterator[Path]:
    """A path in a temporary folder; what was written there is put to ``address``, a folder in the place of another."""
    system, path = _system(address)
    try:
        with tempfile.TemporaryDirectory(prefix="intarsia-") as folder:
            local = Path(folder, Path(address).name)
            yield local
            if local.is_dir() and system.exists(path):
                system.rm(path, recursive=True)
            system.makedirs(system._parent(path), exist_ok=True)
            system.put(f"{local}/" if local.is_dir() else str(local), path, recursive=local.is_dir())
    except OSError as error:
        raise output_error(error, address) from error
