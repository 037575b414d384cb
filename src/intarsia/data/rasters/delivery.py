"""Results that appear whole or not at all, on the disk or in a store."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from intarsia.data.rasters.addresses import store_of
from intarsia.data.rasters.identity import is_remote
from intarsia.errors import OutputError
from intarsia.files import atomic_path, land, output_error

# Stores of objects, in which an object appears whole or not at all; others, such as SFTP, must be asked to rename.
_WHOLE_OR_NOT = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"}


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

    Stores cannot rename: there the folder before it is removed and the new one put object by object, those at its top
    last.

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


@contextlib.contextmanager
def _put_after(address: str) -> Iterator[Path]:
    """A path in a temporary folder; what was written there is put to ``address``, a folder in the place of another."""
    system, path = store_of(address)
    try:
        with tempfile.TemporaryDirectory(prefix="intarsia-") as folder:
            local = Path(folder, Path(address).name)
            yield local
            system.makedirs(system._parent(path), exist_ok=True)
            (_put_folder if local.is_dir() else _put_file)(system, local, path)
    except OSError as error:
        raise output_error(error, address) from error


def _put_file(system: Any, local: Path, path: str) -> None:
    if not _WHOLE_OR_NOT.isdisjoint([system.protocol] if isinstance(system.protocol, str) else system.protocol):
        system.put_file(str(local), path)
        return
    unfinished = f"{system._parent(path)}/.{uuid.uuid4().hex}-{local.name}"
    try:
        system.put_file(str(local), unfinished)
        if system.exists(path):  # not every store replaces
            system.rm_file(path)
        system.mv(unfinished, path)
    finally:
        if system.exists(unfinished):
            system.rm_file(unfinished)


def _put_folder(system: Any, local: Path, path: str) -> None:
    """What lies at the top goes last: a zarr without it is none, so that it is there means that all is."""
    if system.exists(path):
        system.rm(path, recursive=True)
    for each in sorted(local.iterdir(), key=lambda entry: (entry.is_file(), entry.name)):
        if each.is_dir():
            system.put(f"{each}/", f"{path}/{each.name}", recursive=True)
        else:
            system.put_file(str(each), f"{path}/{each.name}")
