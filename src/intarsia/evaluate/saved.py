"""Evaluations read back from their ``metrics.json``, and whether they may be compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia.errors import DataError
from intarsia.metrics import ScoreTable
from intarsia.metrics.class_counts import VOID_CONVENTIONS, ClassCounts, Void, class_counts
from intarsia.metrics.counts import flatten
from intarsia.types import LabelMap

METRICS = "metrics.json"
"""The file of an evaluation that holds its figures and counts."""

_NEEDED = ("label_map", "names", "groups", "confusion")  # the other counts of the table are many and not compared
_WRITTEN_BY = "`intarsia evaluate` and `intarsia score --out` write"


@dataclass(frozen=True, eq=False)
class SavedEvaluation:
    """What a ``metrics.json`` holds of the counts.

    Args:
        path: the file.
        label_map: the K classes.
        names: what each picture is called.
        groups: the group of each picture.
        truth: int64 [images, K+1], the pixels of each class and of void in the true mask, whatever is counted.
        void: the convention its figures were computed under.
        counts: of each picture, arrays [images, K+1], under that convention.
        warnings: what its figures were said to be worth less for, one sentence each.
    """

    path: Path
    label_map: LabelMap
    names: tuple[str, ...]
    groups: tuple[str, ...]
    truth: Int64[np.ndarray, "images k1"]
    void: Void
    counts: ClassCounts
    warnings: tuple[str, ...] = ()


def find_evaluations(path: Path) -> list[Path]:
    """The ``metrics.json`` files a person means: a file, the one of a folder, or those of a folder's folders, sorted.

    Raises:
        DataError: there is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError("does not exist", where=path, remedy=f"Name a {METRICS}, or the folder that holds it")
    if (path / METRICS).is_file():
        return [path / METRICS]
    runs = sorted(path.glob(f"*/{METRICS}"))
    if not runs:
        raise DataError(
            f"holds no {METRICS}, and none of its folders does",
            where=path,
            remedy=f"Name a folder that {_WRITTEN_BY}, or a folder of several such folders: the runs of one method",
        )
    return runs


def read_evaluation(path: Path) -> SavedEvaluation:
    """Read the counts of an evaluation.

    Raises:
        DataError: a file that is no ``metrics.json``, or one without the counts or with damaged ones.
    """
    remedy = f"Name a {METRICS} as {_WRITTEN_BY} it"
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot be read ({reason})", where=path, remedy=remedy) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON
        raise DataError("is not a JSON file", where=path, remedy=remedy) from error
    if isinstance(content, dict) and "task" in content:
        raise DataError(
            f"holds figures of the task {content['task']}, of which no comparison is made yet",
            where=path,
            remedy="Compare evaluations of masks of class ids",
        )
    if not isinstance(content, dict) or "table" not in content:
        raise DataError("holds no counts of the pictures (the key `table`)", where=path, remedy=remedy)
    try:
        table = ScoreTable.from_dict({key: content["table"][key] for key in _NEEDED})
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, AssertionError) as error:
        raise DataError(
            "its counts (the key `table`) are damaged, or were written by another version of Intarsia",
            where=path,
            remedy="Evaluate again",
        ) from error
    void, truth = _void(content, path), table.confusion.sum(axis=-1)
    counts = class_counts(table.confusion, void)
    warnings = tuple(map(str, content.get("warnings", ())))
    return SavedEvaluation(path, table.label_map, table.names, table.groups, truth, void, counts, warnings)


def align(evaluations: Sequence[SavedEvaluation]) -> tuple[list[SavedEvaluation], str | None]:
    """Put evaluations of the same pictures into one order, with one grouping.

    Of groupings of which one is finer than the other (each picture alone, and by patient), the coarser is right: it
    knows more of what is not independent.

    Returns:
        The evaluations with their pictures sorted by name and their groups equal, and what there is to say about it.

    Raises:
        DataError: they differ in pictures, classes, truth or void convention, or in groups of which neither is the
            finer one.
    """
    first, *others = evaluations
    for other in others:
        _check_classes(first, other)
        _check_void(first, other)
        _check_pictures(first, other)
    evaluations = [_sorted(each) for each in evaluations]
    for other in evaluations[1:]:
        _check_truth(evaluations[0], other)
    groups = _coarsest(evaluations)
    note = f"the evaluations group the pictures differently; the coarser grouping is used (groups: {len(set(groups))})"
    differ = len({len(set(each.groups)) for each in evaluations}) > 1
    return [replace(each, groups=groups) for each in evaluations], note if differ else None


def check_distinct(runs: Sequence[SavedEvaluation]) -> None:
    """Refuse a run that is there twice: it would look like training without any luck.

    Raises:
        DataError: two runs are equal in every count.
    """
    for i, first in enumerate(runs):
        for other in runs[:i]:
            if equal(first, other):
                raise DataError(
                    "are equal in every count, so they are not two runs",
                    where=[other.path, first.path],
                    remedy="Keep one of them",
                )


def equal(first: SavedEvaluation, other: SavedEvaluation) -> bool:
    """Whether every count of every picture is the same."""
    return first.names == other.names and np.array_equal(flatten(first.counts), flatten(other.counts))


def _void(content: dict[str, Any], path: Path) -> Void:
    conventions = content.get("conventions")
    text = conventions.get("void") if isinstance(conventions, dict) else None
    name = str(text).partition(":")[0]
    for convention in VOID_CONVENTIONS:
        if name == convention:
            return convention
    raise DataError(
        f"the void convention {name!r} is unknown",
        where=path,
        remedy=f"Evaluate again; the conventions are {', '.join(VOID_CONVENTIONS)}",
    )


def _check_classes(first: SavedEvaluation, other: SavedEvaluation) -> None:
    ours, theirs = first.label_map, other.label_map
    if _meaning(ours) != _meaning(theirs):
        raise DataError(
            f"the classes differ: {_meaning_difference(ours, theirs)}",
            where=[first.path, other.path],
            remedy="Score both with the same class list (--classes classes.yaml)",
        )


def _meaning(labels: LabelMap) -> tuple[object, ...]:
    return labels.ids, labels.names, labels.ignore


def _meaning_difference(ours: LabelMap, theirs: LabelMap) -> str:
    texts = [labels.describe().split(", ") for labels in (ours, theirs)]
    only = [[entry for entry in text if entry not in other] for text, other in (texts, texts[::-1])]
    if not any(only):
        return "they are listed in another order"
    return " against ".join(
        ", ".join(entries[:3]) + (" …" if len(entries) > 3 else "") or "nothing" for entries in only
    )


def _check_void(first: SavedEvaluation, other: SavedEvaluation) -> None:
    if first.void != other.void:
        raise DataError(
            f"void is counted differently: {first.void} against {other.void}",
            where=[first.path, other.path],
            remedy="Score both under the same void convention",
        )


def _check_pictures(first: SavedEvaluation, other: SavedEvaluation) -> None:
    ours, theirs = set(first.names), set(other.names)
    if ours != theirs:
        raise DataError(
            "not the same pictures: "
            f"{_listing(ours - theirs)} only in the first, {_listing(theirs - ours)} only in the second",
            where=[first.path, other.path],
            remedy="Evaluate both on the same pictures; a comparison on different ones would measure the pictures",
        )


def _check_truth(first: SavedEvaluation, other: SavedEvaluation) -> None:
    differing = (first.truth != other.truth).any(axis=-1)
    if differing.any():
        names = [name for name, differs in zip(first.names, differing, strict=True) if differs]
        raise DataError(
            f"the true pixels of a class differ in {_listing(names)}: they were not scored against the same masks",
            where=[first.path, other.path],
            remedy="Score both against the same true masks, at the same size",
        )


def _listing(names: set[str] | list[str]) -> str:
    if not names:
        return "none"
    shown = ", ".join(sorted(names)[:5]) + (" …" if len(names) > 5 else "")
    return f"{len(names)} ({shown})"


def _sorted(evaluation: SavedEvaluation) -> SavedEvaluation:
    order = sorted(range(len(evaluation.names)), key=evaluation.names.__getitem__)
    names, groups = (tuple(values[i] for i in order) for values in (evaluation.names, evaluation.groups))
    of = evaluation.counts
    counts = ClassCounts(of.hits[order], of.true[order], of.predicted[order], of.void)
    return replace(evaluation, names=names, groups=groups, truth=evaluation.truth[order], counts=counts)


def _coarsest(evaluations: Sequence[SavedEvaluation]) -> tuple[str, ...]:
    first, *others = evaluations
    chosen = first
    for other in others:
        if _refines(chosen.groups, other.groups):
            chosen = other
        elif not _refines(other.groups, chosen.groups):
            raise DataError(
                "the pictures are grouped in two ways of which neither is the finer",
                where=[chosen.path, other.path],
                remedy="Evaluate both with the same grouping of pictures (patients, videos)",
            )
    return chosen.groups


def _refines(fine: tuple[str, ...], coarse: tuple[str, ...]) -> bool:
    """Whether each group of ``fine`` lies within one group of ``coarse``."""
    return len(set(zip(fine, coarse, strict=True))) == len(set(fine))
