"""Why is it bad? The lost IoU of each class by cause, in numbers and in a sentence that names a remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64

from intarsia.evaluate.checks import Finding, imbalance
from intarsia.evaluate.remedies import ADVICE, MISSED_SMALL, Cause, size_words, stratum_name
from intarsia.metrics.causes import CauseCounts, lost_pixels
from intarsia.metrics.causes_pieces import SIZES
from intarsia.types import LabelMap

_STRATA = len(SIZES) + 1
_SMALL = 2  # the last stratum of small objects
_MOST = 0.6  # of a cause, that the sizes or classes named beside it must hold
_SECOND = 0.25  # of the loss, above which a second cause is named


@dataclass(frozen=True)
class Part:
    """One cause of a class's loss.

    Args:
        cause: its name; see :data:`~intarsia.evaluate.remedies.ADVICE`.
        detail: of which size, or with which class.
        pixels: the misses and false positives it explains.
        share: of the class's lost pixels, in (0, 1]; the shares of a class add up to 1.
        iou_points: how far the class's IoU is lower because of it, in points of 100.
    """

    cause: Cause
    detail: str
    pixels: int
    share: float
    iou_points: float


@dataclass(frozen=True)
class ClassDiagnosis:
    """What one class loses, and why.

    Args:
        id: its pixel value in mask files.
        name: its name.
        iou: of the whole data set's pixels; None where the class is absent from truth and prediction.
        lost: 1 − iou.
        parts: the causes, largest first.
        sentence: the main causes and what to do, in words.
        remedy: what to do about the largest cause; empty without one.
        how_to: the page of the documentation that says more, from ``docs/``, without its ending; empty without one.
        objects: how many objects of each size the truth holds, smallest size first.
        recall: the share of them that was found; None where there are none.
    """

    id: int
    name: str
    iou: float | None
    lost: float | None
    parts: tuple[Part, ...]
    sentence: str
    remedy: str
    how_to: str
    objects: tuple[int, ...]
    recall: tuple[float | None, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The causes of the loss of every class, and what the checks found.

    Args:
        band: the width of the boundary band, in words.
        classes: in the order of the label map.
        checks: what :mod:`~intarsia.evaluate.checks` found.
    """

    band: str
    classes: tuple[ClassDiagnosis, ...]
    checks: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold; undefined figures are null."""
        own = ("id", "name", "iou", "lost", "parts", "sentence", "remedy", "how_to")
        classes = [_with_lists(asdict(entry)) for entry in self.classes]
        return {
            "band": self.band,
            "classes": [{key: entry[key] for key in own} for entry in classes],
            "size_recall": {
                "strata": [stratum_name(stratum) for stratum in range(_STRATA)],
                "classes": [{key: entry[key] for key in ("id", "name", "objects", "recall")} for entry in classes],
            },
            "checks": [asdict(finding) for finding in self.checks],
        }


def _with_lists(content: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in content.items()}


def diagnose(
    confusion: Int64[np.ndarray, "k1 k1"],
    causes: CauseCounts,
    label_map: LabelMap,
    checks: Sequence[Finding] = (),
) -> Diagnosis:
    """Say why each class loses what it loses.

    Args:
        confusion: the counts of the whole data set, void in the last row and column.
        causes: of the same pictures, added up.
        label_map: the classes.
        checks: what else was found, to be listed after the check for imbalance, which is made here.
    """
    hits = np.diagonal(confusion)[:-1]
    lost = np.stack([confusion[:-1].sum(axis=1) - hits, confusion[:-1, :-1].sum(axis=0) - hits], axis=-1)
    assert np.array_equal(lost, lost_pixels(causes)), "the causes are of other pictures than the confusion"
    found = imbalance(confusion, label_map)
    return Diagnosis(
        band=causes.band,
        classes=tuple(
            _class(k, label_map, causes, hits=int(hits[k]), lost=int(lost[k].sum()))
            for k in range(label_map.num_classes)
        ),
        checks=(*([found] if found else []), *checks),
    )


def _class(k: int, label_map: LabelMap, causes: CauseCounts, *, hits: int, lost: int) -> ClassDiagnosis:
    union, name = hits + lost, label_map.names[k]
    parts = [
        Part(cause, detail, pixels, pixels / lost, 100 * pixels / union)
        for cause, detail, pixels in _pixels(k, label_map, causes)
        if pixels
    ]
    parts.sort(key=lambda part: (-part.pixels, part.cause, part.detail))
    assert sum(part.pixels for part in parts) == lost
    sentence, remedy, how_to = _words(name, parts, absent=union == 0)
    objects, recalled = causes.true_objects[k].tolist(), causes.found_objects[k].tolist()
    return ClassDiagnosis(
        id=label_map.ids[k],
        name=name,
        iou=hits / union if union else None,
        lost=lost / union if union else None,
        parts=tuple(parts),
        sentence=sentence,
        remedy=remedy,
        how_to=how_to,
        objects=tuple(objects),
        recall=tuple(found / count if count else None for found, count in zip(recalled, objects, strict=True)),
    )


def _pixels(k: int, label_map: LabelMap, causes: CauseCounts) -> list[tuple[Cause, str, int]]:
    """The causes of one class with their pixels, zeros included."""
    tiny = _of_specks(causes)
    missed, spurious = causes.objects[k]
    confused = causes.confusion[k].sum(axis=0)
    suspects = np.where(tiny[:, None], 0, causes.suspects)
    # Where a whole class is made of specks, they are its objects and no mistakes of the truth.
    objects = causes.suspects - suspects
    missed = missed + objects[k].sum() * (np.arange(_STRATA) == 0)
    confused = confused + objects[:, k]
    return [
        ("boundary", f"within {causes.band}", int(causes.boundary[k].sum())),
        ("noise", size_words(0, 0), int(causes.noise[k].sum())),
        ("suspect", "truth that may be wrong", int(suspects[k].sum() + suspects[:, k].sum())),
        ("partial", "gaps inside objects", int(causes.partial[k, 0])),
        ("partial", "spill beyond the border", int(causes.partial[k, 1])),
        *(("missed", size_words(size, size), int(missed[size])) for size in range(_STRATA)),
        *(("spurious", size_words(size, size), int(spurious[size])) for size in range(_STRATA)),
        *(("confusion", other, int(pixels)) for other, pixels in zip(label_map.names, confused, strict=True)),
    ]


def _of_specks(causes: CauseCounts) -> np.ndarray:
    """Classes of whose true pixels half or more lie in objects under 10 px: stars, for instance."""
    pixels = causes.object_pixels
    return np.asarray((pixels[:, 0] > 0) & (2 * pixels[:, 0] >= pixels.sum(axis=1)))


def _words(name: str, parts: Sequence[Part], absent: bool) -> tuple[str, str, str]:
    """The sentence, the remedy and its page."""
    if not parts:
        return f"{name}: {'absent from truth and prediction' if absent else 'no loss to explain'}", "", ""
    shares: dict[Cause, float] = {}
    for part in parts:
        shares[part.cause] = shares.get(part.cause, 0.0) + part.share
    # Parts come largest first, and sorting keeps the order of equals: the same counts give the same sentence.
    ranked = sorted(shares, key=lambda cause: -shares[cause])
    told = [ranked[0], *(cause for cause in ranked[1:2] if shares[cause] >= _SECOND)]
    phrases = [f"{_percent(shares[cause])} {_phrase(cause, parts)}" for cause in told]
    phrases[0] = phrases[0].replace(" ", " of the loss is ", 1)
    small = ranked[0] == "missed" and _sizes("missed", parts)[1] <= _SMALL
    advice = MISSED_SMALL if small else ADVICE[ranked[0]]
    return f"{name}: {', '.join(phrases)}: {advice.remedy}", advice.remedy, advice.how_to


def _phrase(cause: Cause, parts: Sequence[Part]) -> str:
    own = [part for part in parts if part.cause == cause]
    phrase = ADVICE[cause].phrase
    if cause == "partial":
        return own[0].detail
    if cause in ("missed", "spurious"):
        return f"{phrase} {size_words(*_sizes(cause, parts))}"
    if cause != "confusion":
        return phrase
    named, held, total = [], 0, sum(part.pixels for part in own)
    for part in own[:2]:
        if held < _MOST * total:
            named.append(part.detail)
            held += part.pixels
    rest = " and others" if held < _MOST * total else ""
    return f"{phrase} {(', ' if rest else ' and ').join(named)}{rest}"


def _percent(share: float) -> str:
    # Never "100%" of what has other parts, and never "0%" of what is there.
    return f"{min(max(round(100 * share), 1), 99 if share < 1 else 100)}%"


def _sizes(cause: Literal["missed", "spurious"], parts: Sequence[Part]) -> tuple[int, int]:
    """The shortest range of sizes that holds most of the missed or spurious objects' pixels, as two strata."""
    pixels = {part.detail: part.pixels for part in parts if part.cause == cause}
    held = [pixels.get(size_words(size, size), 0) for size in range(_STRATA)]
    ranges = [(first, last) for first in range(_STRATA) for last in range(first, _STRATA)]
    enough = [each for each in ranges if sum(held[each[0] : each[1] + 1]) >= _MOST * sum(held)]
    return min(enough, key=lambda each: (each[1] - each[0], -math.fsum(held[each[0] : each[1] + 1])))
