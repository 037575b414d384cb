"""From a recipe's data part to checked, split pictures and the preparation they need."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from intarsia.data.doctor import examine
from intarsia.data.examination import Examination, ImageRecord
from intarsia.data.formats.folder import DataFolder, Item, open_folder
from intarsia.data.formats.provenance import maker_of
from intarsia.data.splits import split_items, with_groups
from intarsia.errors import DataError
from intarsia.train.recipe import DataPart
from intarsia.types import ImageSpec, LabelMap

_MIN_STD = 1e-3  # of constant pictures, which would otherwise divide by zero


@dataclass(frozen=True)
class PreparedData:
    """Data ready to train on.

    Args:
        label_map: the classes.
        spec: how pictures are prepared; mean and standard deviation are those of the training pictures.
        splits: the items of "train", "val" and, where there is one, "test".
        examination: what the doctor saw.
        notes: what was inferred or decided, one sentence each, for people to read.
    """

    label_map: LabelMap
    spec: ImageSpec
    splits: Mapping[str, tuple[Item, ...]]
    examination: Examination
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """A digest of the training pictures and the classes of their masks, kept in the model's card."""
        return fingerprint(self.examination, self.splits["train"])

    @property
    def seen(self) -> dict[str, tuple[str, ...]]:
        """The digests of the training and validation pictures, kept in the card so that they are known again."""
        digests = {record.item.image: short_digest(record) for record in self.examination.records}
        return {part: tuple(sorted(digests[item.image] for item in self.splits[part])) for part in ("train", "val")}

    @property
    def teachers(self) -> tuple[str, ...]:
        """The fingerprints of the models that predicted some of the training masks, as those masks name them."""
        makers = {maker_of(item.mask) for item in self.splits["train"]}
        return tuple(sorted(maker for maker in makers if maker is not None))


def prepare(part: DataPart, seed: int, progress: Callable[[int, int], None] | None = None) -> PreparedData:
    """Open, examine and split a data set.

    Raises:
        DataError: the data cannot be used as it is; the files and the remedy are named.
        RecipeError: shares or a grouping that cannot be used.
    """
    folder = open_folder(part.folder, part.classes)
    splits, decided = split_folder(folder, part, seed)
    examination = examine(folder, progress)
    examination.raise_if_unusable()
    seen = examination.summary(splits["train"])
    spec = ImageSpec(
        channels=seen.channels,
        bit_depth=seen.bit_depth,
        mean=tuple(round(value, 6) for value in seen.mean),
        std=tuple(round(max(value, _MIN_STD), 6) for value in seen.std),
        long_side=part.long_side,
    )
    return PreparedData(folder.label_map, spec, splits, examination, (*folder.notes, *decided))


def short_digest(record: ImageRecord) -> str:
    """The first 64 bits of the digest of a picture's pixels: enough to know it among any number of others."""
    return record.digest[:16]


def fingerprint(examination: Examination, items: Iterable[Item]) -> str:
    """A digest of the names and pixels of ``items`` and of the classes in their masks, whatever their order."""
    chosen = {item.image for item in items}
    records = (record for record in examination.records if record.item.image in chosen)
    lines = sorted(f"{record.item.name} {record.digest} {record.class_pixels}" for record in records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def split_folder(folder: DataFolder, part: DataPart, seed: int) -> tuple[dict[str, tuple[Item, ...]], tuple[str, ...]]:
    """The folder's own splits, or where it has none (or no validation part) those the recipe asks for, and notes.

    Raises:
        DataError: a group is in more than one of the folder's own splits, or there are too few groups to split.
    """
    splits = {
        name: with_groups(items, part.group_by) if part.group_by else items for name, items in folder.splits.items()
    }
    _refuse_straddling(splits, part.group_by)
    if "all" in splits:
        splits = split_items(splits["all"], val=part.val, test=part.test, seed=seed)
        return splits, (f"The folder has no splits; with seed {seed} it was divided into {_sizes(splits)}",)
    if "val" in splits or "train" not in splits:
        return _with_training(folder, splits), ()
    parts = split_items(splits.pop("train"), val=part.val, test=0.0, seed=seed)
    splits = {**parts, **splits}
    return splits, (f"The folder has no validation part; with seed {seed} it became {_sizes(splits)}",)


def _with_training(folder: DataFolder, splits: dict[str, tuple[Item, ...]]) -> dict[str, tuple[Item, ...]]:
    if "train" not in splits:
        raise DataError(
            "has no training part", where=folder.root, remedy="Add train/ (or splits/train.txt), or remove the splits"
        )
    return splits


def _refuse_straddling(splits: Mapping[str, tuple[Item, ...]], group_by: str | None) -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for name, items in splits.items():
        for item in items:
            places[item.group].add(name)
    straddling = {group: names for group, names in places.items() if len(names) > 1}
    if straddling and group_by:
        raise DataError(
            f"{len(straddling)} groups of '{group_by}' are in more than one split, so scores would be too good",
            where=[f"{group} in {' and '.join(sorted(names))}" for group, names in sorted(straddling.items())],
            remedy="Keep each group in one split, or remove splits/ to have the groups divided",
        )


def _sizes(splits: Mapping[str, tuple[Item, ...]]) -> str:
    return ", ".join(f"{len(items)} {name}" for name, items in splits.items())
