"""Who made a mask: masks that a model predicted say so in their file, so that they are not taken for truth."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

_MODEL, _OPTIONS = "intarsia-model", "intarsia-options"  # keys of a PNG's texts
NPZ_KEY = "made_by"
"""Under which a file of numpy's holds what :meth:`Provenance.describe` says."""

_BEGINNING = 2**16  # bytes of a file of text that are looked at
_DESCRIBED = re.compile(r"predicted by the model ([^\s\"'<]+)(?: with ([^\"<\n]+))?")


@dataclass(frozen=True)
class Provenance:
    """What predicted a mask.

    Args:
        model: the fingerprint of the model's weights, as its card holds it.
        options: what was asked for beside the defaults, in words without quotes; empty: nothing.
    """

    model: str
    options: str = ""

    def describe(self) -> str:
        """In words that :func:`provenance_of` finds again."""
        return f"predicted by the model {self.model}" + (f" with {self.options}" if self.options else "")

    @classmethod
    def of_text(cls, text: str) -> Provenance | None:
        """What a description says; None where it says nothing."""
        found = _DESCRIBED.search(text)
        return None if found is None else cls(found[1], found[2] or "")


def made_by(fingerprint: str, options: str = "") -> PngInfo | None:
    """The PNG texts that name what is behind a mask; none for a mask no model made.

    Args:
        fingerprint: of the model's weights, as its card holds it; empty for masks of another origin.
        options: see :class:`Provenance`.
    """
    if not fingerprint:
        return None
    info = PngInfo()
    info.add_text(_MODEL, fingerprint)
    if options:
        info.add_text(_OPTIONS, options)
    return info


def maker_of(path: str | Path) -> str | None:
    """The fingerprint of the model that predicted a mask file; None when the file names none or cannot be opened."""
    found = provenance_of(path)
    return None if found is None else found.model


def provenance_of(path: str | Path) -> Provenance | None:
    """What predicted a file of labels: PNG, TIFF, zarr, npz, GeoJSON or GeoPackage.

    Only the header is read. Programs that edit and save a mask usually drop the text, which is right: then a person
    has been over it.

    Returns:
        None when the file names no model or cannot be opened.
    """
    path = Path(path)
    try:
        return _READERS.get(path.suffix.lower(), _of_picture)(path)
    # What is wrong with the file is said by those who read its values.
    except (OSError, ValueError, SyntaxError, KeyError, zipfile.BadZipFile, sqlite3.Error):
        return None


def _of_picture(path: Path) -> Provenance | None:
    with Image.open(path) as image:
        if image.format == "TIFF":
            return Provenance.of_text(str(image.tag_v2.get(270, "")))  # type: ignore[attr-defined] # of TIFF only
        model, options = image.info.get(_MODEL), image.info.get(_OPTIONS, "")
    return Provenance(model, str(options)) if isinstance(model, str) else None


def _of_zarr(path: Path) -> Provenance | None:
    return Provenance.of_text((path / ".zattrs").read_text(encoding="utf-8"))


def _of_npz(path: Path) -> Provenance | None:
    with np.load(path) as content:
        return Provenance.of_text(str(content[NPZ_KEY]))


def _of_geojson(path: Path) -> Provenance | None:
    with path.open("rb") as file:
        return Provenance.of_text(file.read(_BEGINNING).decode("utf-8", errors="replace"))


def _of_geopackage(path: Path) -> Provenance | None:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT description FROM gpkg_contents").fetchall()
    return next(filter(None, (Provenance.of_text(str(description)) for (description,) in rows)), None)


_READERS: Mapping[str, Callable[[Path], Provenance | None]] = {
    ".zarr": _of_zarr,
    ".npz": _of_npz,
    ".geojson": _of_geojson,
    ".gpkg": _of_geopackage,
}
