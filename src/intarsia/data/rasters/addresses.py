"""Places of files, on a disk or in a store: put together, taken apart, and looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intarsia.data.rasters.identity import is_remote
from intarsia.errors import DataError, OutputError

Address = str | Path
"""A path, or the URL of a file or folder in a store that fsspec reaches, such as ``s3://bucket/masks``."""

_ON_DISK = ("file://", "local://")
_ZARR_MARK = ".zgroup"  # put last, see :func:`~intarsia.data.rasters.delivery.delivered_folder`


def to_address(text: str) -> Address:
    """What a person wrote, as a path unless it is the URL of a store."""
    for scheme in _ON_DISK:
        text = text.removeprefix(scheme)
    return text if is_remote(text) else Path(text)


def name_of(address: Address) -> str:
    """The last part: ``a.png`` of ``s3://bucket/a.png``."""
    return Path(address).name


def within(folder: Address, *names: str) -> Address:
    """A file or folder in a folder."""
    return "/".join([str(folder).rstrip("/"), *names]) if is_remote(folder) else Path(folder, *names)


def folder_of(address: Address) -> Address:
    """The folder that a file or folder is in."""
    return str(address).rstrip("/").rpartition("/")[0] if is_remote(address) else Path(address).parent


def store_of(address: Address) -> tuple[Any, str]:
    """The file system of fsspec that an address of a store lies in, and its path there.

    Raises:
        OutputError: there is no such kind of store, or the package that reaches it is not installed.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(str(address))
    except (ValueError, ImportError) as error:
        raise OutputError(
            f"cannot be written to ({error})", where=address, remedy="Give a folder or an address fsspec can write to"
        ) from error
    return system, path


@contextmanager
def fetched(address: Address) -> Iterator[Path]:
    """Give a file with the content of one in a store; a file on a disk is given as it is.

    Raises:
        DataError: it cannot be fetched.
    """
    if not is_remote(address):
        yield Path(address)
        return
    import fsspec

    with tempfile.TemporaryDirectory(prefix="intarsia-") as folder:
        local = Path(folder, name_of(address))
        try:
            system, path = fsspec.core.url_to_fs(str(address))
            system.get_file(path, str(local))
        except (OSError, ValueError, ImportError) as error:  # of fsspec: an unknown store, or its package is missing
            raise DataError(
                f"cannot be fetched ({error})", where=address, remedy="Check the address, and that you may read there"
            ) from error
        yield local


def existing(addresses: Iterable[Address]) -> set[Address]:
    """Those of ``addresses`` at which there is a finished file, or zarr folder.

    A store is asked for the content of each folder once, because asking for millions of files one by one takes hours.

    Raises:
        OutputError: a store cannot be reached.
    """
    found: set[Address] = set()
    listed: dict[Address, set[str]] = {}
    for address in addresses:
        if not is_remote(address):
            if Path(address).exists():
                found.add(address)
            continue
        folder = folder_of(address)
        if folder not in listed:
            listed[folder] = _names(folder)
        if name_of(address) in listed[folder] and _is_whole(address):
            found.add(address)
    return found


def _names(folder: Address) -> set[str]:
    system, path = store_of(folder)
    system.invalidate_cache(path)  # others write there, too
    try:
        return {name_of(each) for each in system.ls(path, detail=False)}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise OutputError(
            f"cannot be looked into ({error})", where=folder, remedy="Check the address, and that you may read there"
        ) from error


def _is_whole(address: Address) -> bool:
    if not name_of(address).endswith(".zarr"):
        return True
    system, path = store_of(address)
    return bool(system.exists(f"{path}/{_ZARR_MARK}"))
