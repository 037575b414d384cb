"""The tags of a TIFF file's first directory, classic or BigTIFF. Source: TIFF 6.0 (1992), section 2; BigTIFF (2007)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BufferedIOBase

import numpy as np

SHORT, LONG, ASCII, LONG8 = 3, 4, 2, 16
"""Types of values: 16, 32 bits, text, 64 bits."""

# Bytes of a value by its type, and of the numbers it is made of, which is what byte order turns around.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBER = {**_BYTES, 5: 4, 10: 4}
_WHOLE = (1, 3, 4, 16)


@dataclass(frozen=True)
class Tag:
    """The values of one tag.

    Args:
        kind: the type of a value, as TIFF numbers them.
        data: the values one after the other, little-endian.
    """

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.data) // _BYTES[self.kind]

    def integers(self) -> tuple[int, ...]:
        """The values, where they are unsigned whole numbers; none otherwise."""
        values = np.frombuffer(self.data, f"<u{_BYTES[self.kind]}") if self.kind in _WHOLE else ()
        return tuple(int(value) for value in values)

    def text(self) -> str:
        """The values as text."""
        return self.data.rstrip(b"\0").decode("utf-8", errors="replace")


def shorts(*values: int) -> Tag:
    """A tag of 16-bit numbers."""
    return Tag(SHORT, np.asarray(values, "<u2").tobytes())


def longs(*values: int) -> Tag:
    """A tag of 32-bit numbers."""
    return Tag(LONG, np.asarray(values, "<u4").tobytes())


def text(value: str) -> Tag:
    """A tag of text."""
    return Tag(ASCII, value.encode() + b"\0")


def read_tags(stream: BufferedIOBase) -> dict[int, Tag] | None:
    """The tags of the first directory by number; those that are cut off or of an unknown type are left out.

    Returns:
        None if the stream does not begin as a TIFF file does.
    """
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    version, classic_start = struct.unpack(f"{order}HI", head[2:8])
    if version == 42:
        start, number, entry = classic_start, "H", "HHI4s"
    elif version == 43 and len(head) == 16:
        (start,), number, entry = struct.unpack(f"{order}Q", head[8:]), "Q", "HHQ8s"
    else:
        return None
    try:
        stream.seek(start)
        (count,) = struct.unpack(f"{order}{number}", stream.read(struct.calcsize(f"={number}")))
        size = struct.calcsize(f"={entry}")
        entries = stream.read(size * min(count, 4096))
        read = struct.iter_unpack(f"{order}{entry}", entries[: len(entries) // size * size])
        tags = {code: _tag(stream, order, *values) for code, *values in read}
    except (struct.error, OverflowError, OSError):
        return {}
    return {code: tag for code, tag in tags.items() if tag is not None}


def _tag(stream: BufferedIOBase, order: str, kind: int, count: int, field: bytes) -> Tag | None:
    if kind not in _BYTES:
        return None
    size = count * _BYTES[kind]
    data = field[:size]
    if size > len(field):
        stream.seek(int.from_bytes(field, "little" if order == "<" else "big"))
        data = stream.read(size)
    if len(data) < size:
        return None
    return Tag(kind, np.frombuffer(data, f"{order}u{_NUMBER[kind]}").astype(f"<u{_NUMBER[kind]}").tobytes())
