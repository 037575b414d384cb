"""Who made a mask: masks that a model predicted say so in their file, so that they are not taken for truth."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import SEEK_CUR, BufferedIOBase
from pathlib import Path

import numpy as np
from PIL.PngImagePlugin import PngInfo

from intarsia.data.rasters.tiff_tags import read_tags

_MODEL, _OPTIONS = "intarsia-model", "intarsia-options"  # keys of a PNG's texts
NPZ_KEY = "made_by"
"""Under which a file of numpy's holds what :meth:`Provenance.describe` says."""

ZARR_TEXT = ".zattrs"
"""The file in a zarr's folder that says what it is; alone it will do."""

_PNG, _CHECKSUM = b"\x89PNG\r\n\x1a\n", 4
_DESCRIPTION = 270  # a tag of TIFF
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
        return _READERS.get(path.suffix.lower() or path.name, _of_picture)(path)
    # What is wrong with the file is said by those who read its values.
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, sqlite3.Error):
        return None


def _of_picture(path: Path) -> Provenance | None:
    """Without Pillow, which takes large pictures for attacks."""
    with path.open("rb") as file:
        if file.read(len(_PNG)) == _PNG:
            texts = dict(_png_texts(file))
            return Provenance(texts[_MODEL], texts.get(_OPTIONS, "")) if _MODEL in texts else None
        file.seek(0)
        tags = read_tags(file) or {}
    return Provenance.of_text(tags[_DESCRIPTION].text()) if _DESCRIPTION in tags else None


def _png_texts(file: BufferedIOBase) -> Iterator[tuple[str, str]]:
    """The keys and texts before the pixels. Source: PNG (third edition), sections 5.3 and 11.3.3.2."""
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4]), head[4:]
        if kind in (b"IDAT", b"IEND"):
            return
        if kind == b"tEXt":
            key, _, text = file.read(length).partition(b"\0")
            yield key.decode("latin-1"), text.decode("latin-1")
            file.seek(_CHECKSUM, SEEK_CUR)
        else:
            file.seek(length + _CHECKSUM, SEEK_CUR)


def _of_zarr(path: Path) -> Provenance | None:
    return Provenance.of_text((path / ZARR_TEXT if path.is_dir() else path).read_text(encoding="utf-8"))


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
    ZARR_TEXT: _of_zarr,
    ".npz": _of_npz,
    ".geojson": _of_geojson,
    ".gpkg": _of_geopackage,
}
