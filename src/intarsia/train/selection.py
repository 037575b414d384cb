"""Which pictures of a data set to score a model on: those it never saw, as far as that can be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from intarsia.data.doctor import examine
from intarsia.data.formats.folder import DataFolder, Item
from intarsia.data.splits import with_groups
from intarsia.errors import DataError, RecipeError
from intarsia.train.prepare import fingerprint, split_folder
from intarsia.train.recipe import Recipe, parse_recipe
from intarsia.weights import ModelCard

_ORDER = ("test", "val", "train")


@dataclass(frozen=True)
class Selection:
    """Pictures to score.

    Args:
        split: the name of their split, or "all".
        items: the pictures; their groups are those of training where the names tell them.
        note: what a reader of the score should know, or "".
    """

    split: str
    items: tuple[Item, ...]
    note: str = ""


def select(card: ModelCard, folder: DataFolder, split: str | None = None) -> Selection:
    """Choose the pictures to score.

    A folder's own splits are taken as they are. A folder without splits is divided as it was for training if it holds
    the very pictures the model was trained on; if it does not, all of it is new to the model.

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
    own = "all" not in folder.splits
    splits = folder.splits if own else _as_trained(card, recipe, folder)
    everything = Selection("all", _grouped(folder.items, recipe))
    if split == "all" or (split is None and splits is None):
        seen = splits is not None and "train" in splits
        return replace(everything, note="these include the pictures the model was trained on") if seen else everything
    if splits is None or (split is not None and split not in splits):
        there = ", ".join([*(splits or ()), "all"])
        raise RecipeError(f"there is no split {split!r}", where=folder.root, remedy=f"Choose from {there}")
    name = split or next(name for name in _ORDER if name in splits)
    note = {
        "train": "the model was trained on these",
        "val": "the model's best round was chosen by these",
    }
    return Selection(name, _grouped(splits[name], recipe), note.get(name, ""))


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


def _as_trained(card: ModelCard, recipe: Recipe | None, folder: DataFolder) -> Mapping[str, tuple[Item, ...]] | None:
    if recipe is None:
        return None
    try:
        splits, _ = split_folder(folder, recipe.data, recipe.seed)
    except DataError:  # names without the group of training, or too few pictures: these are others
        return None
    trained = {"train": splits["train"]}
    examination = examine(replace(folder, label_map=card.label_map, splits=trained))
    return splits if fingerprint(examination, splits["train"]) == card.data_fingerprint else None


def _grouped(items: Iterable[Item], recipe: Recipe | None) -> tuple[Item, ...]:
    """Items with the groups of training; where the names do not tell them, each picture is a group of its own."""
    items = tuple(items)
    try:
        return with_groups(items, recipe.data.group_by) if recipe and recipe.data.group_by else items
    except DataError:
        return items
