"""Writing TIFF files whose directories all lie at the front, which is what a COG is and what streams well.

Source: TIFF 6.0 (1992), section 2; BigTIFF (2007); OGC 21-026 Cloud Optimized GeoTIFF (2023), section 7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase

import numpy as np
from jaxtyping import UInt64

from intarsia.data.rasters.tiff_tags import LONG, LONG8, Tag

TILE_OFFSETS, TILE_BYTE_COUNTS = 324, 325
CLASSIC_LIMIT = 2**32
"""Bytes that the offsets of a classic TIFF reach; larger files are BigTIFF."""


@dataclass(frozen=True)
class Directory:
    """One picture of a file.

    Args:
        tags: by number, without those that say where the tiles lie.
        counts: bytes of each tile, in reading order.
        tiles: their contents, compressed, in reading order.
    """

    tags: Mapping[int, Tag]
    counts: UInt64[np.ndarray, " tiles"]
    tiles: Iterable[bytes]


@dataclass(frozen=True)
class _Form:
    """How classic and BigTIFF differ."""

    header: int
    number: str  # of entries of a directory
    entry: str
    offset: str
    inline: int
    offsets: int  # type of the values of TileOffsets


_CLASSIC = _Form(8, "<H", "<HHI", "<I", 4, LONG)
_BIG = _Form(16, "<Q", "<HHQ", "<Q", 8, LONG8)


# GDAL looks for these lines behind the header. They say, among others, that before each tile its size is written and
# after it its last four bytes again, so that a tile is fetched in one request and seen to be whole.
_STRUCTURE = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_LEADER = 4


def write_tiff(stream: BufferedIOBase, directories: Sequence[Directory], *, cloud_optimized: bool = False) -> None:
    """Write a little-endian TIFF: header, all directories in order, then the tiles of the last one first.

    It is a BigTIFF only if the sizes of the tiles demand it. Nothing in it but the arguments: no time, no program.

    Args:
        stream: where to.
        directories: a picture and its smaller versions.
        cloud_optimized: say that it is a COG, and frame each tile as GDAL's COGs do.

    Raises:
        OSError: the stream cannot be written.
    """
    ghost = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_STRUCTURE) + _STRUCTURE if cloud_optimized else b""
    leader = _LEADER if cloud_optimized else 0
    sizes = [int(directory.counts.sum()) + 2 * leader * len(directory.counts) for directory in directories]
    for form in (_CLASSIC, _BIG):
        first = _even(form.header + len(ghost))
        lengths = [_even(len(_directory(form, directory, 0, 0, 0, 0))) for directory in directories]
        if first + sum(lengths) + sum(sizes) < CLASSIC_LIMIT:
            break
    stream.write(b"II" + (struct.pack("<HI", 42, first) if form is _CLASSIC else struct.pack("<HHHQ", 43, 8, 0, first)))
    stream.write(ghost.ljust(first - form.header, b"\0"))
    for index, (directory, length) in enumerate(zip(directories, lengths, strict=True)):
        start, tiles = first + sum(lengths[:index]), first + sum(lengths) + sum(sizes[index + 1 :])
        following = start + length if index + 1 < len(directories) else 0
        stream.write(_directory(form, directory, start, following, tiles, leader).ljust(length, b"\0"))
    for directory in reversed(directories):
        for tile in directory.tiles:
            stream.write(len(tile).to_bytes(4, "little") + tile + tile[-4:] if cloud_optimized else tile)


def _directory(form: _Form, directory: Directory, start: int, following: int, tiles: int, leader: int) -> bytes:
    """A directory that lies at ``start``, with the values that do not fit into it behind it."""
    framed = directory.counts + np.uint64(2 * leader)
    offsets = np.cumsum(framed, dtype=np.uint64) - framed + np.uint64(tiles + leader)
    tags = {
        **directory.tags,
        TILE_OFFSETS: Tag(form.offsets, offsets.astype("<u4" if form.offsets == LONG else "<u8").tobytes()),
        TILE_BYTE_COUNTS: Tag(LONG, directory.counts.astype("<u4").tobytes()),
    }
    size = struct.calcsize(form.number) + len(tags) * (struct.calcsize(form.entry) + form.inline)
    size += struct.calcsize(form.offset)
    entries, behind = [struct.pack(form.number, len(tags))], b""
    for code, tag in sorted(tags.items()):
        field = tag.data.ljust(form.inline, b"\0")
        if len(tag.data) > form.inline:
            field = struct.pack(form.offset, start + size + len(behind))
            behind += tag.data.ljust(_even(len(tag.data)), b"\0")
        entries.append(struct.pack(form.entry, code, tag.kind, tag.count) + field)
    return b"".join(entries) + struct.pack(form.offset, following) + behind


def _even(size: int) -> int:
    return size + size % 2
