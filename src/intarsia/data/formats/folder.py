"""The folder format: ``images/`` and ``masks/``, optionally ``classes.yaml`` and splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intarsia.data.formats.classes import infer_classes, read_classes
from intarsia.data.formats.decode import IMAGE_SUFFIXES, stem_of
from intarsia.data.formats.mask import MASK_SUFFIXES, lossy_mask
from intarsia.errors import DataError
from intarsia.types import LabelMap

SPLITS = ("train", "val", "test")
"""The names of the splits, in this order."""

FilesByStem = dict[str, list[Path]]
"""The picture files of a folder, by their names without the ending."""

_LAYOUT = "Put the pictures into images/ and their masks, of the same names, into masks/"


@dataclass(frozen=True)
class Item:
    """One picture with its mask, on disk.

    Args:
        name: the stem both files share.
        image: the picture file.
        mask: the mask file.
        group: items of one group (one patient, one scene) are never put into different splits.
    """

    name: str
    image: Path
    mask: Path
    group: str


@dataclass(frozen=True)
class DataFolder:
    """An opened data folder; no picture has been looked at yet.

    Args:
        root: the folder.
        label_map: the classes, from ``classes.yaml`` or inferred.
        splits: the items of "train", "val" and "test" as far as the folder has them, else all under "all"; in each
            sorted by name.
        notes: what was inferred or left out, one sentence each, for people to read.
        classes: the file the classes were read from; None when they were inferred.
    """

    root: Path
    label_map: LabelMap
    splits: Mapping[str, tuple[Item, ...]]
    notes: tuple[str, ...] = ()
    classes: Path | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item, split by split."""
        return tuple(item for split in self.splits.values() for item in split)


def open_folder(path: str | Path, classes: str | Path | None = None) -> DataFolder:
    """Find the items, splits and classes of a data folder, in either of its two layouts.

    ::

        data/                       data/
          images/  a.png  b.jpg       train/  images/  masks/
          masks/   a.png  b.png       val/    images/  masks/
          classes.yaml  (optional)    test/   images/  masks/
          splits/train.txt  (opt.)    classes.yaml  (optional)

    Pairs, splits and the class list are checked; what is in the pictures is for the doctor. Without a class list every
    mask is read once to infer one.

    Args:
        path: the folder.
        classes: a class list to use instead of the folder's own.

    Raises:
        DataError: no usable folder, class list or split; every file of the problem is listed.
    """
    root = Path(path)
    if not root.is_dir():
        found = "is a file and not a folder" if root.exists() else "does not exist"
        raise DataError(found, where=root, remedy="Give a folder that holds images/ and masks/")
    notes: list[str] = []
    halves = {name: root / name for name in SPLITS if (root / name).is_dir()}
    if halves and (root / "images").exists():
        raise DataError(
            f"holds images/ as well as {', '.join(halves)}, so it is not clear which pictures are meant",
            where=root,
            remedy="Keep either images/ and masks/, or the folders train/, val/ and test/ that hold the two",
        )
    splits = _find_items(halves or {"all": root}, notes)
    if not halves and (root / "splits").is_dir():
        splits = _read_splits(root / "splits", splits["all"], notes)
    class_list = Path(classes) if classes is not None else root / "classes.yaml"
    if classes is not None or class_list.exists():
        return DataFolder(root, read_classes(class_list), splits, tuple(notes), class_list)
    label_map, note = infer_classes([item.mask for split in splits.values() for item in split], root)
    return DataFolder(root, label_map, splits, (*notes, note))


def _find_items(folders: Mapping[str, Path], notes: list[str]) -> dict[str, tuple[Item, ...]]:
    """Pair the images and masks of each folder; a problem lists its files from all of them."""
    for folder in folders.values():
        for name in ("images", "masks"):
            if not (folder / name).is_dir():
                raise _missing(folder, name)
    images = {split: _by_stem(folder / "images", notes) for split, folder in folders.items()}
    masks = {split: _by_stem(folder / "masks", notes) for split, folder in folders.items()}
    empty = [folder / "images" for split, folder in folders.items() if not images[split] and not masks[split]]
    if empty:
        raise DataError("holds no pictures", where=empty, remedy=_LAYOUT)
    found = [paths for by_stem in (*images.values(), *masks.values()) for paths in by_stem.values()]
    twice = [path for paths in found if len(paths) > 1 for path in paths]
    if twice:
        raise DataError(
            "share their name up to the ending, so it is not clear which one is meant",
            where=twice,
            remedy="Keep one file of each name, or rename the others together with their masks",
        )
    masks_found = [path for by_stem in masks.values() for paths in by_stem.values() for path in paths]
    lossy = [path for path in masks_found if path.suffix.lower() not in MASK_SUFFIXES]
    if lossy:
        raise lossy_mask(lossy, "JPEG or WebP")
    _check_pairs(images, masks)
    return {
        split: tuple(Item(stem, by_stem[stem][0], masks[split][stem][0], stem) for stem in sorted(by_stem))
        for split, by_stem in images.items()
    }


def _missing(folder: Path, name: str) -> DataError:
    if not any(folder.iterdir()):
        return DataError("is empty", where=folder, remedy=_LAYOUT)
    inside = sorted(entry for entry in folder.iterdir() if (entry / "images").is_dir())
    remedy = f"Did you mean {inside[0]}? Else put the" if inside else "Put the"
    return DataError(f"has no folder {name}/", where=folder, remedy=_LAYOUT.replace("Put the", remedy))


def _by_stem(folder: Path, notes: list[str]) -> FilesByStem:
    found: FilesByStem = defaultdict(list)
    others = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix.lower() in IMAGE_SUFFIXES:
            found[stem_of(path.name)].append(path)
        else:
            others.append(path.name)
    if others:
        shown = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
        notes.append(f"Left out of {folder}, because they are no pictures that can be read: {shown}")
    return dict(found)


def _check_pairs(images: Mapping[str, FilesByStem], masks: Mapping[str, FilesByStem]) -> None:
    maskless = [
        images[split][stem][0] for split in images for stem in sorted(images[split].keys() - masks[split].keys())
    ]
    imageless = [
        masks[split][stem][0] for split in masks for stem in sorted(masks[split].keys() - images[split].keys())
    ]
    parts = [f"{_count(maskless, 'image')} no mask"] * bool(maskless)
    parts += [f"{_count(imageless, 'mask')} no image"] * bool(imageless)
    if parts:
        raise DataError(
            f"{' and '.join(parts)} of the same name",
            where=[*maskless, *imageless],
            remedy="Add what is missing (an image and its mask differ only in the ending), or remove these files",
        )


def _read_splits(folder: Path, items: Sequence[Item], notes: list[str]) -> dict[str, tuple[Item, ...]]:
    files = [folder / f"{name}.txt" for name in SPLITS if (folder / f"{name}.txt").is_file()]
    if not files:
        raise DataError("holds none of train.txt, val.txt and test.txt", where=folder, remedy="Add them or remove it")
    listed = {file: [line.strip() for line in _lines(file) if line.strip()] for file in files}
    by_name = {item.name: item for item in items}
    _refuse(
        [f"{file}: {name}" for file, names in listed.items() for name in names if name not in by_name],
        "no picture has this name",
        "Give one name a line, without folder and ending, of a picture that is there",
    )
    places = defaultdict(list)
    for file, names in listed.items():
        for name in names:
            places[name].append(file.name)
    _refuse(
        [f"{name} in {' and '.join(files)}" for name, files in places.items() if len(files) > 1],
        "listed more than once, so a picture would be scored that was trained on",
        f"Keep each name in one place in {folder}",
    )
    _refuse([str(file) for file, names in listed.items() if not names], "lists no picture", "Fill it or remove it")
    if len(places) < len(items):
        notes.append(f"{len(items) - len(places)} of {len(items)} pictures are in no split and are left out")
    return {file.stem: tuple(by_name[name] for name in sorted(names)) for file, names in listed.items()}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read as text", where=file, remedy="Write one name a line, in UTF-8") from error


def _refuse(where: Sequence[str], found: str, remedy: str) -> None:
    if where:
        raise DataError(found, where=where, remedy=remedy)


def _count(files: Sequence[Path], noun: str) -> str:
    return f"1 {noun} has" if len(files) == 1 else f"{len(files)} {noun}s have"
