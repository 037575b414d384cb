"""Which pictures of a data set to score a model on: those it never saw, as far as that can be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from intarsia.data.doctor import examine
from intarsia.data.formats.folder import DataFolder, Item
from intarsia.data.splits import with_groups
from intarsia.errors import DataError, RecipeError
from intarsia.train.prepare import short_digest
from intarsia.train.recipe import Recipe, parse_recipe
from intarsia.weights import ModelCard

_ORDER = ("test", "val", "train")


@dataclass(frozen=True)
class Selection:
    """Pictures to score.

    Args:
        split: the name of their split, or "all".
        items: the pictures; their groups are those of training where the names tell them.
        warnings: what a reader of the score must know, one sentence each.
    """

    split: str
    items: tuple[Item, ...]
    warnings: tuple[str, ...] = ()


def select(card: ModelCard, folder: DataFolder, split: str | None = None) -> Selection:
    """Choose the pictures to score.

    A folder's own splits are taken as they are. A folder without splits is divided by what training saw: the card
    holds a digest of every picture of the training and the validation part, so they are known again under other
    names, with other masks, and among other pictures. What is neither is the "test" part.

    Args:
        card: of the model.
        folder: the data.
        split: "train", "val", "test" or "all"; default is the first of test, val and train that there is, else all.

    Raises:
        DataError: the class list gives an id another meaning than the model does.
        RecipeError: there is no such split.
    """
    check_classes(card, folder)
    recipe = parse_recipe(card.recipe) if card.recipe else None
    parts = _seen_parts(card, folder)
    own = "all" not in folder.splits
    splits = folder.splits if own else _by_part(folder.items, parts)
    if split == "all" or (split is None and set(splits) == {"all"}):
        name, items = "all", folder.items
    else:
        if split is not None and split not in splits:
            there = ", ".join(dict.fromkeys([*splits, "all"]))
            raise RecipeError(f"there is no split {split!r}", where=folder.root, remedy=f"Choose from {there}")
        name = split or next(name for name in (*_ORDER, *splits) if name in splits)
        items = splits[name]
    items, ungrouped = _grouped(items, recipe)
    return Selection(name, items, (*_memories(items, parts), *ungrouped))


def _seen_parts(card: ModelCard, folder: DataFolder) -> dict[Path, str]:
    """The part of training, "train" or "val", of each picture that training saw."""
    part_of = {digest: part for part in ("val", "train") for digest in card.seen.get(part, ())}
    if not part_of:
        return {}
    records = examine(replace(folder, label_map=card.label_map)).records
    digests = {record.item.image: short_digest(record) for record in records}
    return {image: part_of[digest] for image, digest in digests.items() if digest in part_of}


def _by_part(items: Iterable[Item], parts: Mapping[Path, str]) -> dict[str, tuple[Item, ...]]:
    if not parts:
        return {"all": tuple(items)}
    splits: dict[str, list[Item]] = {}
    for item in items:
        splits.setdefault(parts.get(item.image, "test"), []).append(item)
    return {name: tuple(chosen) for name, chosen in splits.items()}


def _memories(items: tuple[Item, ...], parts: Mapping[Path, str]) -> list[str]:
    """That training saw some of the pictures."""
    seen = [parts.get(item.image) for item in items]
    counts = {part: seen.count(part) for part in ("train", "val")}
    told = {
        "train": "the model was trained on {} of these {} pictures: the score says how well it remembers them",
        "val": "the model's best round was chosen by {} of these {} pictures: the score is a little too good",
    }
    return [told[part].format(count, len(items)) for part, count in counts.items() if count]


def check_classes(card: ModelCard, folder: DataFolder) -> None:
    """Refuse data whose class list gives an id another meaning than the model does.

    Raises:
        DataError: the two lists disagree.
    """
    ours, theirs = card.label_map, folder.label_map
    if folder.classes is not None and (theirs.ids, theirs.names) != (ours.ids, ours.names):
        raise DataError(
            f"its classes are {theirs.describe()}, but the model knows {ours.describe()}",
            where=folder.classes,
            remedy="Evaluate on data with the model's classes, or name a class list that agrees with --classes",
        )


def _grouped(items: Iterable[Item], recipe: Recipe | None) -> tuple[tuple[Item, ...], list[str]]:
    """Items with the groups of training; where the names do not tell them, each picture is a group of its own."""
    items = tuple(items)
    pattern = recipe.data.group_by if recipe else None
    if not pattern:
        return items, []
    try:
        return with_groups(items, pattern), []
    except DataError:
        lost = f"the names do not match the grouping of training, '{pattern}': every picture counts as independent"
        return items, [f"{lost}; name another with --group-by if they are not"]
