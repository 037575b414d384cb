"""What the doctor finds: exact counts of each usable picture, figures computed from them, and findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from intarsia.data.formats.folder import Item
from intarsia.errors import DataError
from intarsia.types import LabelMap


@dataclass(frozen=True)
class Finding:
    """One kind of problem, with every file it concerns.

    Args:
        severity: "error" when the data cannot be used as it is, "warning" when it can but perhaps should not.
        found: the fact, without a full stop.
        where: the files.
        remedy: what to do, without a full stop.
    """

    severity: Literal["error", "warning"]
    found: str
    where: tuple[Path, ...]
    remedy: str

    @property
    def message(self) -> str:
        """Files, fact and remedy in one line, worded as an error is."""
        return str(DataError(self.found, where=self.where, remedy=self.remedy))


@dataclass(frozen=True)
class ImageRecord:
    """Exact counts of one picture and its mask; sums are of stored values (0–255 or 0–65535).

    Args:
        item: the files.
        split: the split it belongs to.
        height: pixels.
        width: pixels.
        bit_depth: 8 or 16.
        channel_sums: sum of the values of each channel (one, or three).
        channel_square_sums: sum of their squares.
        gray: whether the channels are equal everywhere (or there is one).
        constant: whether every pixel has one value.
        class_pixels: pixels of each class, in the order of the label map.
        turned_alike: whether the image and its mask had the same EXIF orientation (each was turned by its own).
        digest: SHA-256 of the picture's pixels, size and depth.
    """

    item: Item
    split: str
    height: int
    width: int
    bit_depth: int
    channel_sums: tuple[int, ...]
    channel_square_sums: tuple[int, ...]
    gray: bool
    constant: bool
    class_pixels: tuple[int, ...]
    turned_alike: bool
    digest: str

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width


@dataclass(frozen=True)
class Summary:
    """Figures over some pictures.

    Args:
        images: how many.
        channels: 1 when every picture is gray (stored with equal channels counts), else 3.
        bit_depth: 8 or 16, the largest that occurs.
        heights: smallest, median and largest.
        widths: smallest, median and largest.
        class_pixels: pixels of each class, in the order of the label map.
        class_images: pictures with at least one pixel of the class, likewise.
        ignored: share of pixels that carry no class, in [0, 1].
        one_class_masks: masks in which at most one class occurs ("empty" ones, when it is the background).
        mean: of each of ``channels`` over all pixels (ignored ones too), in units of [0, 1].
        std: their standard deviation (of the population); 0 for constant pictures.
    """

    images: int
    channels: int
    bit_depth: int
    heights: tuple[int, float, int]
    widths: tuple[int, float, int]
    class_pixels: tuple[int, ...]
    class_images: tuple[int, ...]
    ignored: float
    one_class_masks: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Examination:
    """A data folder as the doctor saw it.

    Args:
        root: the folder.
        label_map: its classes.
        records: one for each picture that can be used, in the order of the folder's items.
        findings: problems, errors first.
    """

    root: Path
    label_map: LabelMap
    records: tuple[ImageRecord, ...]
    findings: tuple[Finding, ...]

    @cached_property
    def _record_of(self) -> Mapping[Path, ImageRecord]:
        return {record.item.image: record for record in self.records}

    def summary(self, items: Iterable[Item] | None = None) -> Summary:
        """Figures over ``items`` (default: every usable picture), without reading anything again.

        Raises:
            DataError: none of them is usable.
        """
        records = (
            self.records if items is None else [self._record_of[i.image] for i in items if i.image in self._record_of]
        )
        if not records:
            raise DataError("no picture can be used", where=self.root, remedy=f"Run `intarsia doctor {self.root}`")
        return summarize(records)

    def raise_if_unusable(self) -> None:
        """Raise the error that concerns most files, if there is any.

        Raises:
            DataError: with those files and the number of other errors.
        """
        errors = sorted((f for f in self.findings if f.severity == "error"), key=lambda f: -len(f.where))
        if errors:
            worst, others = errors[0], len(errors) - 1
            more = f", and there {'is' if others == 1 else 'are'} {others} more kind{'s' * (others > 1)} of error"
            raise DataError(
                worst.found + more * bool(others),
                where=worst.where,
                remedy=f"{worst.remedy}; `intarsia doctor {self.root}` lists everything",
            )

    def to_dict(self) -> dict[str, Any]:
        """A plain form for JSON: classes, figures overall and a split, and findings."""
        by_split = {
            name: [r for r in self.records if r.split == name] for name in {r.split: None for r in self.records}
        }
        return {
            "folder": str(self.root),
            **self.label_map.to_dict(),
            "all": asdict(summarize(self.records)) if self.records else None,
            "splits": {name: asdict(summarize(records)) for name, records in by_split.items()},
            "findings": [asdict(f) | {"where": [str(path) for path in f.where]} for f in self.findings],
        }


def summarize(records: Iterable[ImageRecord]) -> Summary:
    """Add up records, of which there must be at least one. All sums are exact, whatever their order."""
    records = tuple(records)
    channels = 1 if all(record.gray for record in records) else 3
    pixels = sum(record.pixels for record in records)
    counts = np.array([record.class_pixels for record in records], dtype=np.int64)
    first, second = (
        [sum(_moment(record, channel, power) for record in records) / pixels for channel in range(channels)]
        for power in (1, 2)
    )
    return Summary(
        images=len(records),
        channels=channels,
        bit_depth=max(record.bit_depth for record in records),
        heights=_spread([record.height for record in records]),
        widths=_spread([record.width for record in records]),
        class_pixels=tuple(counts.sum(axis=0).tolist()),
        class_images=tuple(np.count_nonzero(counts, axis=0).tolist()),
        ignored=float(1 - counts.sum() / pixels),
        one_class_masks=int((np.count_nonzero(counts, axis=1) <= 1).sum()),
        mean=tuple(first),
        std=tuple(math.sqrt(max(0.0, square - mean**2)) for mean, square in zip(first, second, strict=True)),
    )


def _moment(record: ImageRecord, channel: int, power: int) -> float:
    """The sum of the values, or of their squares, in units of [0, 1]; a gray picture is alike in every channel."""
    sums = record.channel_sums if power == 1 else record.channel_square_sums
    return sums[min(channel, len(sums) - 1)] / float((2**record.bit_depth - 1) ** power)


def _spread(sides: list[int]) -> tuple[int, float, int]:
    return min(sides), float(np.median(sides)), max(sides)
