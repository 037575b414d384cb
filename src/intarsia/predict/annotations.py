"""One COCO file of many masks that were predicted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from intarsia.data.formats.coco_semantic import write_coco
from intarsia.data.formats.mask import MaskArray, read_mask
from intarsia.data.rasters.addresses import Address, fetched, name_of
from intarsia.predict.deliver import Picture
from intarsia.predict.layers import void_id
from intarsia.types import LabelMap


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


def _mask(picture: Picture) -> MaskArray:
    with fetched(picture.labels) as path:
        return read_mask(path)
