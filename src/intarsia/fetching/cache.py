"""Where fetched files are kept, and how their content is told."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

_VARIABLE = "INTARSIA_CACHE"


def cache_folder() -> Path:
    """Where fetched files are kept: ``$INTARSIA_CACHE``, else ``intarsia`` in the platform's cache folder."""
    if os.environ.get(_VARIABLE):
        return Path(os.environ[_VARIABLE]).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "intarsia"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "intarsia" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intarsia"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
