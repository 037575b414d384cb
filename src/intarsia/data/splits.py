"""Dividing items into parts that share no group, the same way every time."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from intarsia.data.formats.folder import Item
from intarsia.errors import DataError, RecipeError


def with_groups(items: Iterable[Item], pattern: str) -> tuple[Item, ...]:
    """Set each item's group to what ``pattern`` finds in its name; see :func:`find_groups`."""
    items = tuple(items)
    groups = find_groups([item.name for item in items], pattern)
    return tuple(replace(item, group=group) for item, group in zip(items, groups, strict=True))


def find_groups(names: Sequence[str], pattern: str) -> list[str]:
    r"""What the one capture group of ``pattern`` finds in each name: the patient, the video, the scene.

    Args:
        names: of pictures.
        pattern: a regular expression searched in the name, such as ``r"IM-(\d+)"``.

    Raises:
        RecipeError: not a regular expression, or not exactly one capture group.
        DataError: names in which the pattern finds nothing.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise RecipeError(
            f"'{pattern}' is not a regular expression ({error.msg})", where="group_by", remedy=r"Try 'patient(\d+)'"
        ) from error
    if compiled.groups != 1:
        raise RecipeError(
            f"'{pattern}' has {compiled.groups} capture groups",
            where="group_by",
            remedy=r"Put parentheses around the one part of the name that identifies the group, as in 'patient(\d+)'",
        )
    matches = [compiled.search(name) for name in names]
    found = [match[1] for match in matches if match and match[1] is not None]
    if len(found) < len(names):
        raise DataError(
            f"the pattern '{pattern}' finds no group in these names",
            where=[name for name, match in zip(names, matches, strict=True) if not match or match[1] is None],
            remedy="Correct group_by so that it matches every name",
        )
    return found


def split_items(
    items: Iterable[Item], *, val: float = 0.2, test: float = 0.2, group_by: str | None = None, seed: int = 0
) -> dict[str, tuple[Item, ...]]:
    """Divide items into "train", "val" and "test" so that no group is in two of them.

    The result depends on the names, groups and ``seed`` only, not on the order of ``items`` nor on any library's random
    numbers. The shares count pictures and are met as closely as the sizes of the groups allow.

    Args:
        items: what to divide; names must differ.
        val: the share for validation, at least 0; with 0 there is no key "val".
        test: the share for testing, at least 0; with 0 there is no key "test".
        group_by: see :func:`with_groups`; None keeps the groups the items have.
        seed: another seed gives another division.

    Returns:
        The parts, none of them empty, each sorted by name.

    Raises:
        RecipeError: shares below 0 or that leave nothing for training, or an unusable ``group_by``.
        DataError: fewer groups than parts, or names without a group.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise RecipeError(
            f"the shares val {val:g} and test {test:g} leave nothing for training or are below 0",
            where="splits",
            remedy="Give two shares of at least 0 that together are below 1, such as 0.2 and 0.2",
        )
    shares = {"train": 1 - val - test, "val": val, "test": test}
    return _divide(items, {name: share for name, share in shares.items() if share > 0}, group_by, seed)


def k_fold(
    items: Iterable[Item], folds: int, group_by: str | None = None, seed: int = 0
) -> tuple[dict[str, tuple[Item, ...]], ...]:
    """Divide items ``folds`` times into "train" and "val", so that each item is in exactly one "val".

    Groups, determinism and errors are those of :func:`split_items`; folds hold about equally many pictures.
    """
    if folds < 2:
        raise RecipeError(f"{folds} folds", where="folds", remedy="Give at least 2")
    parts = _divide(items, {str(fold): 1 / folds for fold in range(folds)}, group_by, seed)
    return tuple(
        {
            "train": tuple(sorted((i for other in parts if other != fold for i in parts[other]), key=_name)),
            "val": parts[fold],
        }
        for fold in parts
    )


def _divide(
    items: Iterable[Item], shares: Mapping[str, float], group_by: str | None, seed: int
) -> dict[str, tuple[Item, ...]]:
    grouped = tuple(items) if group_by is None else with_groups(items, group_by)
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in grouped:
        groups[item.group].append(item)
    if len(groups) < len(shares):
        raise DataError(
            f"{len(grouped)} pictures form {len(groups)} groups, too few for {len(shares)} parts that share none",
            where="splits",
            remedy=f"Add pictures, ask for fewer parts, or correct group_by: at least {len(shares)} groups are needed",
        )
    # Large groups first, while every part still has room; a hash rather than a generator orders groups of one size,
    # because it is the same in every version of every library.
    ordered = sorted(groups, key=lambda group: (-len(groups[group]), _shuffle_key(group, seed)))
    parts: dict[str, list[Item]] = {name: [] for name in shares}
    for position, group in enumerate(ordered):
        empty = [name for name in parts if not parts[name]]
        open_parts = empty if len(ordered) - position <= len(empty) else list(parts)
        chosen = _roomiest(open_parts, parts, shares, len(groups[group]), len(grouped))
        parts[chosen].extend(groups[group])
    return {name: tuple(sorted(part, key=_name)) for name, part in parts.items()}


def _roomiest(
    names: Sequence[str], parts: Mapping[str, Sequence[Item]], shares: Mapping[str, float], size: int, total: int
) -> str:
    """The part a group of ``size`` overfills least; among equals, the one that is filled to the lowest share."""

    def cost(name: str) -> tuple[float, float]:
        target = shares[name] * total
        return max(0.0, len(parts[name]) + size - target), len(parts[name]) / target

    return min(names, key=cost)


def _shuffle_key(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()


def _name(item: Item) -> str:
    return item.name
