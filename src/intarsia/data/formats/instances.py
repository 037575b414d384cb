"""Instance-id masks: files whose pixel values number the objects of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from intarsia.data.formats.decode import decode
from intarsia.data.formats.mask import MaskArray, to_ids
from intarsia.errors import DataError
from intarsia.ops.rle import ids_to_rles
from intarsia.types import InstanceSet

_COLOR_MODES = ("RGB", "RGBA", "LA", "CMYK", "YCbCr")


def read_instance_ids(path: str | Path) -> MaskArray:
    """Read an instance-id mask: 0 is background, every other value one object, in however many parts.

    Returns:
        uint8 or uint16 [H, W].

    Raises:
        DataError: as :func:`~intarsia.data.formats.mask.read_mask`; a picture of colors in particular.
    """
    decoded = decode(path)
    if decoded.image.mode in _COLOR_MODES:
        raise DataError(
            f"is a color picture ({decoded.image.mode}), but an instance mask holds one object id a pixel",
            where=path,
            remedy="Number the objects 1, 2, 3, … and save the numbers as a gray PNG or TIFF of 16 bits",
        )
    return to_ids(decoded, path)


def read_instances(path: str | Path, class_id: int = 1) -> InstanceSet:
    """Read an instance-id mask as objects with a mask each, all of one class, in the order of their ids.

    Raises:
        DataError: as :func:`read_instance_ids`.
    """
    ids = read_instance_ids(path)
    found, masks = ids_to_rles(ids)
    height, width = ids.shape
    return InstanceSet(tuple(masks), np.full(len(found), class_id, np.int64), (height, width))
