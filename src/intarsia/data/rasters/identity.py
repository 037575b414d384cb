"""What tells that a picture is still the one a run began with."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from intarsia.data.rasters.raster import Raster

_REMOTE_FACTS = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "created", "generation")


def is_remote(address: str | Path) -> bool:
    """Whether an address is a URL and not a path."""
    return isinstance(address, str) and "://" in address


def source_identity(address: str | Path, raster: Raster) -> str:
    """The sha256 of an address, of what its store says of its state, and of what its header says.

    The state of a file is its bytes and its modification time in nanoseconds; of a folder (zarr) those of its metadata
    files and of every folder in it, which change when a chunk is replaced; of an object in a store its bytes with its
    ETag or time. A GDAL path (``/vsi…``) and a folder in a store have no state that can be asked for: there, the header
    alone counts.
    """
    facts = [_place(address), _state(address), raster.size, raster.channels, raster.dtype.str, raster.chunk]
    facts += [raster.pixel_size, None if raster.georeference is None else raster.georeference.transform]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()


def _place(address: str | Path) -> str:
    path = Path(address)
    return str(path.absolute()) if not is_remote(address) and path.exists() else str(address)


def _state(address: str | Path) -> list[object]:
    if is_remote(address):
        return _remote_state(str(address))
    path = Path(address)
    if not path.is_dir():
        return _stat(path)
    state: list[object] = []
    for folder, folders, files in os.walk(path):
        folders.sort()
        state += _stat(Path(folder))
        for name in sorted(files):
            state += _stat(Path(folder, name)) if name.startswith((".z", "zarr.json")) else []
    return state


def _stat(path: Path) -> list[object]:
    try:
        facts = path.stat()
    except OSError:  # a path only GDAL understands, or the file is gone, which is a change too
        return []
    return [facts.st_size, facts.st_mtime_ns]


def _remote_state(address: str) -> list[object]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
        system.invalidate_cache()
        facts = system.info(path)
    except (OSError, ValueError, ImportError):  # an address that GDAL reads by itself; fsspec lacks the driver
        return []
    return [facts.get(name) for name in _REMOTE_FACTS]
