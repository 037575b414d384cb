"""The class list of a folder: read from ``classes.yaml``, or inferred from the masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Int64

from intarsia.data.formats.mask import MaskArray, read_mask
from intarsia.data.parallel import map_files
from intarsia.errors import DataError
from intarsia.types import LabelMap

_VOID = 255
_MOST_CLASSES = 64
_GIVE_CLASSES = "or give the ids that are meant in classes.yaml"

Histogram = Int64[np.ndarray, "_ids"]
"""Pixels of one mask by id."""


def read_classes(path: Path) -> LabelMap:
    """Read a ``classes.yaml``; its forms are those of :meth:`LabelMap.from_dict`.

    Raises:
        DataError: no such file, not YAML, not a mapping, or not a usable class list.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot be read ({reason})", where=path, remedy="Give a class list you may read") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise DataError(
            f"is not YAML{line}", where=path, remedy="Write it as text, such as `classes: [background, lung]`"
        ) from error
    if not isinstance(content, dict):
        raise DataError(
            "is not a mapping", where=path, remedy="Write `classes:` and under it the names, such as `- background`"
        )
    try:
        return LabelMap.from_dict(content)
    except DataError as error:
        raise DataError(error.found, where=path, remedy=error.remedy) from error


def infer_classes(masks: Sequence[Path], folder: Path) -> tuple[LabelMap, str]:
    """Find the classes that masks hold, by reading each mask once; masks that cannot be read are left to the doctor.

    The ids 0 and 255 alone are background and foreground. With other ids beside it, 255 is the ignore id (the
    convention of Pascal VOC and Cityscapes). Any other id is a class.

    Args:
        masks: mask files.
        folder: what to call them all in an error.

    Returns:
        The label map, and a sentence that says what was inferred.

    Raises:
        DataError: no mask can be read, or they hold more ids than class masks do.
    """
    scanned = map_files(_try_histogram, masks)
    histograms = [item for item in scanned if not isinstance(item, DataError)]
    if not histograms:
        failures = [item for item in scanned if isinstance(item, DataError)]
        alike = [item for item in failures if item.remedy == failures[0].remedy]
        raise DataError(failures[0].found, where=[place for e in alike for place in e.where], remedy=failures[0].remedy)
    longest = max(map(len, histograms))
    total = np.sum([np.pad(h, (0, longest - len(h))) for h in histograms], axis=0)
    ids = tuple(int(value) for value in np.flatnonzero(total))
    if len(ids) > _MOST_CLASSES:
        raise _too_many(histograms, total, folder)
    label_map = _label_map(ids)
    return label_map, f"No classes.yaml: inferred from {len(histograms)} masks the classes {label_map.describe()}"


def mask_histogram(mask: MaskArray) -> Histogram:
    """Count the pixels of each id, from 0 to the largest id present."""
    return np.bincount(mask.ravel())


def _try_histogram(path: Path) -> Histogram | DataError:
    try:
        return mask_histogram(read_mask(path))
    except DataError as error:
        return error


def _label_map(ids: tuple[int, ...]) -> LabelMap:
    if ids == (0, _VOID):
        return LabelMap(names=("background", "foreground"), ids=ids)
    ignore = _VOID if _VOID in ids and len(ids) > 1 else None
    classes = tuple(value for value in ids if value != ignore)
    return LabelMap(names=tuple(f"class {value}" for value in classes), ids=classes, ignore=ignore)


def _too_many(histograms: Sequence[Histogram], total: Histogram, folder: Path) -> DataError:
    """Say what masks with so many ids most likely are."""
    present = np.flatnonzero(total)
    found = f"the masks hold {len(present)} different ids"
    # Objects are numbered from 1 without gaps in each mask, up to another number in each.
    dense = np.median([np.count_nonzero(h) / len(h) for h in histograms]) > 0.9
    if dense and (len({len(h) for h in histograms}) > 1 or len(histograms) == 1):
        return DataError(
            f"{found}, numbered without gaps in each mask: they look like instance masks, one id an object",
            where=folder,
            remedy="Replace the object numbers by class ids (0 background, 1 object, for instance); to score objects,"
            " use `intarsia score --task instance`",
        )
    common = np.sort(total)[::-1][: _MOST_CLASSES // 4].sum() / total.sum()
    if common > 0.9:
        return DataError(
            f"{found}, most of them rare: they look like class masks that were resized with smoothing or compressed as "
            "JPEG, which invents ids along every edge",
            where=folder,
            remedy=f"Export the masks again as PNG and resize them by nearest neighbor only, {_GIVE_CLASSES}",
        )
    return DataError(
        f"{found}, all of them common: they look like photographs and not like class masks",
        where=folder,
        remedy=f"Put masks into masks/, one class id a pixel, {_GIVE_CLASSES}",
    )
