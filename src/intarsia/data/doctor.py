"""Reading a whole data folder once, and saying everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from intarsia.data.dataset import size_mismatch
from intarsia.data.examination import Examination, Finding, ImageRecord
from intarsia.data.formats.classes import mask_histogram
from intarsia.data.formats.decode import Decoded, decode
from intarsia.data.formats.folder import DataFolder, Item
from intarsia.data.formats.image import ImageArray, to_array
from intarsia.data.formats.mask import MaskArray, to_ids, unknown_ids
from intarsia.data.parallel import Progress, map_files
from intarsia.errors import DataError
from intarsia.types import LabelMap


def examine(folder: DataFolder, progress: Progress | None = None) -> Examination:
    """Read every image and mask once and check them; no problem hides another.

    Errors: files that cannot be read, masks that are no class masks, sizes that differ, ids outside the classes, 8-bit
    beside 16-bit pictures, and training masks of only one class. Warnings: classes that no mask (or no training mask)
    holds, masks that are ignored altogether, constant pictures, pictures that occur twice (across splits above all),
    and EXIF orientations in which an image and its mask differ.
    """
    jobs = [(item, split) for split, items in folder.splits.items() for item in items]
    results = map_files(lambda job: _inspect(*job, folder.label_map), jobs, progress)
    records = tuple(result for result in results if isinstance(result, ImageRecord))
    failures = [error for result in results if not isinstance(result, ImageRecord) for error in result]
    findings = [
        *_unusable(failures),
        *_mixed_depth(records),
        *_classes(records, folder),
        *_pictures(records),
        *_duplicates(records),
    ]
    findings.sort(key=lambda finding: finding.severity)  # "error" before "warning"
    return Examination(folder.root, folder.label_map, records, tuple(findings))


def _inspect(item: Item, split: str, label_map: LabelMap) -> ImageRecord | list[DataError]:
    errors: list[DataError] = []
    image, image_turn = _attempt(lambda file, path: to_array(file.image, path), item.image, errors)
    mask, mask_turn = _attempt(to_ids, item.mask, errors)
    if image is not None and mask is not None and image.shape[:2] != mask.shape:
        errors.append(_mismatch(item, image, mask, turned_alike=image_turn == mask_turn))
    counts = np.zeros(2**16, dtype=np.int64)
    if mask is not None:
        histogram = mask_histogram(mask)
        counts[: len(histogram)] = histogram
        unknown = tuple(np.flatnonzero(counts * (label_map.index_of_id > label_map.num_classes)).tolist())
        if unknown:
            errors.append(unknown_ids(unknown, label_map, item.mask))
    if errors or image is None:
        return errors
    height, width, _ = image.shape
    sums = _channel_sums(image)
    return ImageRecord(
        item=item,
        split=split,
        height=height,
        width=width,
        bit_depth=8 * image.dtype.itemsize,
        channel_sums=tuple(first for first, _ in sums),
        channel_square_sums=tuple(second for _, second in sums),
        gray=bool((image == image[:, :, :1]).all()),
        constant=bool((image == image[0, 0]).all()),
        class_pixels=tuple(counts[list(label_map.ids)].tolist()),
        turned_alike=image_turn == mask_turn,
        digest=hashlib.sha256(f"{image.shape}{image.dtype}".encode() + image.tobytes()).hexdigest(),
    )


def _attempt(
    convert: Callable[[Decoded, Path], ImageArray | MaskArray], path: Path, errors: list[DataError]
) -> tuple[np.ndarray | None, int]:
    """The array and the EXIF orientation of a file, or None and an error more."""
    try:
        decoded = decode(path)
        return convert(decoded, path), decoded.orientation
    except DataError as error:
        errors.append(error)
        return None, 1


def _mismatch(item: Item, image: np.ndarray, mask: np.ndarray, turned_alike: bool) -> DataError:
    error = size_mismatch(item, image.shape[:2], mask.shape)
    if turned_alike:
        return error
    return DataError(
        f"{error.found}, after the EXIF orientations, which differ, were applied",
        where=error.where,
        remedy="Save both without EXIF orientation, as they should lie",
    )


def _channel_sums(image: ImageArray) -> list[tuple[int, int]]:
    """Exact sum and sum of squares of each channel, by way of its histogram."""
    sums = []
    for channel in range(image.shape[2]):
        histogram = np.bincount(image[:, :, channel].ravel())
        values = np.arange(len(histogram), dtype=np.int64)
        sums.append((int(histogram @ values), int(histogram @ values**2)))
    return sums


def _unusable(failures: Iterable[DataError]) -> list[Finding]:
    # One cause has one remedy; what was found (sizes, ids) differs from file to file.
    alike: dict[str, list[DataError]] = defaultdict(list)
    for error in failures:
        alike[error.remedy].append(error)
    findings = []
    for remedy, errors in alike.items():
        different = len({error.found for error in errors}) > 1
        found = f"{len(errors)} times the like of: {errors[0].found}" if different else errors[0].found
        findings.append(Finding("error", found, tuple(Path(place) for e in errors for place in e.where), remedy))
    return findings


def _mixed_depth(records: Sequence[ImageRecord]) -> list[Finding]:
    by_depth = {depth: [r.item.image for r in records if r.bit_depth == depth] for depth in (8, 16)}
    if not all(by_depth.values()):
        return []
    rarer = min(by_depth, key=lambda depth: len(by_depth[depth]))
    return [
        Finding(
            "error",
            f"{len(by_depth[8])} pictures have 8 bits and {len(by_depth[16])} have 16 bits; these have {rarer}",
            tuple(by_depth[rarer]),
            "Save all pictures with the same number of bits, scaled alike",
        )
    ]


def _classes(records: Sequence[ImageRecord], folder: DataFolder) -> list[Finding]:
    if not records:
        return []
    names = folder.label_map.names
    present = {name for r in records for name, count in zip(names, r.class_pixels, strict=True) if count}
    trained = [r for r in records if r.split in ("train", "all")]
    learned = {name for r in trained for name, count in zip(names, r.class_pixels, strict=True) if count}
    findings = []
    if trained and len(learned) < 2:
        findings.append(
            Finding(
                "error",
                f"the training masks hold {'only the class ' + next(iter(learned)) if learned else 'no class at all'}, "
                "so there is nothing to tell apart",
                (folder.root,),
                "Add masks of at least two classes, background counting as one",
            )
        )
    for absent, what in ((set(names) - present, "mask"), (present - learned if trained else set(), "training mask")):
        if absent:
            findings.append(
                Finding(
                    "warning",
                    f"no {what} holds {', '.join(name for name in names if name in absent)}",
                    (folder.root,),
                    f"Remove it from the class list, or add a {what} that holds it",
                )
            )
    return findings


def _pictures(records: Sequence[ImageRecord]) -> list[Finding]:
    void = tuple(r.item.mask for r in records if not any(r.class_pixels))
    constant = tuple(r.item.image for r in records if r.constant)
    turned = tuple(r.item.image for r in records if not r.turned_alike)
    candidates = (
        Finding("warning", "every pixel of the mask is ignored", void, "Draw the mask, or remove the pair"),
        Finding("warning", "every pixel of the picture has one value", constant, "Remove it if that is a mistake"),
        Finding(
            "warning",
            "the image has an EXIF orientation that its mask lacks (or has otherwise); each was turned by its own",
            turned,
            "Check that image and mask lie alike, and save both without EXIF orientation",
        ),
    )
    return [finding for finding in candidates if finding.where]


def _duplicates(records: Iterable[ImageRecord]) -> list[Finding]:
    by_digest: dict[str, list[ImageRecord]] = defaultdict(list)
    for record in records:
        by_digest[record.digest].append(record)
    twins = [alike for alike in by_digest.values() if len(alike) > 1 and not alike[0].constant]
    across = tuple(r.item.image for alike in twins if len({r.split for r in alike}) > 1 for r in alike)
    within = tuple(r.item.image for alike in twins if len({r.split for r in alike}) == 1 for r in alike)
    candidates = (
        Finding(
            "warning",
            "the same picture is in more than one split, so scores would be too good",
            across,
            "Keep each picture in one split only",
        ),
        Finding(
            "warning",
            "the same picture occurs more than once",
            within,
            "Keep one of each, or give them one group so that no split divides them",
        ),
    )
    return [finding for finding in candidates if finding.where]
