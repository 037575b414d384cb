"""One COCO file of many masks that were predicted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import fsspec

from intarsia.data.formats.coco_semantic import WRITER, write_coco
from intarsia.data.formats.mask import MaskArray, read_mask
from intarsia.data.rasters.addresses import Address, existing, fetched, name_of
from intarsia.errors import OutputError
from intarsia.predict.deliver import Picture
from intarsia.predict.layers import void_id
from intarsia.types import LabelMap

_BEGINNING = 1000  # bytes


def write_annotations(path: Address, pictures: Iterable[Picture], label_map: LabelMap) -> int:
    """Write the masks of pictures as COCO's instance JSON, see
    :func:`~intarsia.data.formats.coco_semantic.write_coco`; void pixels are in no annotation.

    Args:
        path: the file, on the disk or in a store.
        pictures: predicted as PNG; their masks are read one after another.
        label_map: the model's classes.

    Returns:
        How many annotations there are.

    Raises:
        DataError: a mask cannot be read, or has more pixels than COCO counts.
        OutputError: the file cannot be written.
    """
    known = replace(label_map, ignore=void_id(label_map))
    return write_coco(path, ((name_of(picture.address), _mask(picture)) for picture in pictures), known)


def check_annotations(path: Address) -> None:
    """That a COCO file which is there is one that :func:`write_annotations` may write anew.

    Raises:
        OutputError: it is of another program's or a person's making.
    """
    if not existing([path]):
        return
    with fsspec.open(str(path), "rb") as file:
        beginning = file.read(_BEGINNING)
    if WRITER.encode() not in beginning:
        raise OutputError(
            "is there already and was not written by this program",
            where=path,
            remedy="Name another --out, or say --overwrite to lose it",
        )


def _mask(picture: Picture) -> MaskArray:
    with fetched(picture.labels) as path:
        return read_mask(path)
