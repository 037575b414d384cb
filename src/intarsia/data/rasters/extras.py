"""Libraries that only some people need: imported when used, and one clear line when they are not there."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from intarsia.errors import DataError

EXTRA_OF = {
    "pyogrio": "geo",
    "rasterio": "geo",
    "shapely": "geo",
    "openslide": "slides",
    "tifffile": "large",
    "imagecodecs": "large",
    "zarr": "large",
    "numcodecs": "large",
    "ray": "cluster",
}
"""Which extra of this package installs a module."""


def required(module: str, where: str | Path) -> Any:
    """Import a module of an extra.

    Args:
        module: one of :data:`EXTRA_OF`.
        where: the file or option it is needed for.

    Raises:
        DataError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: the module is there, the C library it loads is not
        raise DataError(
            f"needs the package {module}, which is not installed",
            where=where,
            remedy=f"Install it: pip install 'intarsia[{EXTRA_OF[module]}]'",
        ) from error


def installed(module: str) -> bool:
    """Whether a module of an extra can be imported."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError):
        return False
    return True
