"""Why is it bad? The lost IoU of each class by cause, in numbers and in a sentence that names a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia.evaluate.checks import Finding, confusion_checks
from intarsia.evaluate.remedies import ADVICE, MISSED_SMALL, NEVER_PREDICTED, Cause, percent, size_words, stratum_name
from intarsia.metrics.causes import CauseCounts, lost_pixels
from intarsia.metrics.causes_pieces import SIZES
from intarsia.ops.overlay import background_index
from intarsia.types import LabelMap

_STRATA = len(SIZES) + 1
_SMALL = 2  # the last stratum of small objects
_MOST = 0.6  # of a cause, that the sizes or classes named beside it must hold
_WITHOUT_SPECKS = f"of {SIZES[0]} to {SIZES[1] - 1} px"
_ALL_VOID = "nothing to score: the truth is void throughout"
_SECOND = 0.25  # of the loss, above which a second cause is named


@dataclass(frozen=True)
class Part:
    """One cause of a class's loss.

    Args:
        cause: its name; see :data:`~intarsia.evaluate.remedies.ADVICE`.
        detail: of which size, or with which class. What the objects of another class lose to the background or take
            from it, is called the same for both: ``missed``, ``spurious`` or ``partial``.
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
        checks: what else was found, to be listed after the checks that the confusion allows, which are made here.
    """
    hits = np.diagonal(confusion)[:-1]
    lost = np.stack([confusion[:-1].sum(axis=1) - hits, confusion[:-1, :-1].sum(axis=0) - hits], axis=-1)
    assert np.array_equal(lost, lost_pixels(causes)), "the causes are of other pictures than the confusion"
    return Diagnosis(
        band=causes.band,
        classes=tuple(_class(k, label_map, causes, confusion) for k in range(label_map.num_classes)),
        checks=(*confusion_checks(confusion, label_map), *checks),
    )


def summed_up(classes: Sequence[Mapping[str, Any]]) -> str:
    """One line about the classes that lose nothing: ``no loss to explain: road; absent from …: boat``; may be empty.

    Args:
        classes: as :meth:`Diagnosis.to_dict` gives them; those that lose something are passed over.
    """
    names: dict[str, list[str]] = {}
    for entry in classes:
        if not entry.get("parts") and not entry.get("lost"):
            names.setdefault(entry["sentence"].removeprefix(f"{entry['name']}: "), []).append(entry["name"])
    return "; ".join(reason if reason == _ALL_VOID else f"{reason}: {', '.join(of)}" for reason, of in names.items())


def _class(k: int, label_map: LabelMap, causes: CauseCounts, confusion: Int64[np.ndarray, "k1 k1"]) -> ClassDiagnosis:
    hits, name = int(confusion[k, k]), label_map.names[k]
    union = int(confusion[k].sum() + confusion[:-1, k].sum()) - hits
    lost = union - hits
    parts = [
        Part(cause, detail, pixels, pixels / lost, 100 * pixels / union)
        for cause, detail, pixels in _pixels(k, label_map, causes, confusion)
        if pixels
    ]
    parts.sort(key=lambda part: (-part.pixels, part.cause, part.detail))
    assert sum(part.pixels for part in parts) == lost
    sentence, remedy, how_to = _words(k, name, parts, confusion)
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


def _pixels(
    k: int, label_map: LabelMap, causes: CauseCounts, confusion: Int64[np.ndarray, "k1 k1"]
) -> list[tuple[Cause, str, int]]:
    """The causes of one class with their pixels, zeros included."""
    tiny = _of_specks(causes)
    missed, spurious = causes.objects[k]
    suspects = np.where(tiny[:, None], 0, causes.suspects)
    # Where a whole class is made of specks, they are its objects and no mistakes of the truth.
    objects = causes.suspects - suspects
    missed = missed + objects[k].sum() * (np.arange(_STRATA) == 0)
    lost_to, gained_from = causes.confusion[k, 0], causes.confusion[k, 1] + objects[:, k]
    found: list[tuple[Cause, str, int]] = [
        ("boundary", f"within {causes.band}", int(causes.boundary[k].sum())),
        ("noise", size_words(0, 0), int(causes.noise[k].sum())),
        ("suspect", "truth that may be wrong", int(suspects[k].sum() + suspects[:, k].sum())),
        ("partial", "gaps inside objects", int(causes.partial[k, 0])),
        ("partial", "spill beyond the border", int(causes.partial[k, 1])),
        *(("missed", words, int(missed[size])) for size, words in enumerate(_size_names(missed))),
        *(("spurious", words, int(spurious[size])) for size, words in enumerate(_size_names(spurious))),
    ]
    for other, name in enumerate(label_map.names):
        lost, gained = int(lost_to[other]), int(gained_from[other])
        if k == background_index(label_map):
            gaps, spill = causes.partial[other].tolist()
            missing = causes.objects[other, 0].any() or objects[other].any()
            if gaps and missing and confusion[other, -1]:
                # Some of the gaps are void and not background, and nothing tells how many.
                found.append(("confusion", name, gained))
            else:
                gaps = min(gaps, gained)
                found += [("partial", f"gaps inside {name}", gaps), ("missed", f"of {name}", gained - gaps)]
            found += [
                ("partial", f"spill of {name} beyond its border", spill),
                ("spurious", f"of {name}", lost - spill),
            ]
        else:
            found.append(("confusion", name, lost + gained))
    return found


def _size_names(pixels: np.ndarray) -> list[str]:
    """The strata in words; specks are named apart from the next where there are any."""
    names = [size_words(size, size) for size in range(_STRATA)]
    if pixels[0]:
        names[1] = _WITHOUT_SPECKS
    return names


def _of_specks(causes: CauseCounts) -> np.ndarray:
    """Classes of whose true pixels half or more lie in objects under 10 px: stars, for instance."""
    pixels = causes.object_pixels
    return np.asarray((pixels[:, 0] > 0) & (2 * pixels[:, 0] >= pixels.sum(axis=1)))


def _words(k: int, name: str, parts: Sequence[Part], confusion: Int64[np.ndarray, "k1 k1"]) -> tuple[str, str, str]:
    """The sentence, the remedy and its page."""
    true, predicted, on_void = int(confusion[k].sum()), int(confusion[:-1, k].sum()), int(confusion[-1, k])
    if not parts:
        return _without_loss(name, confusion, present=true + predicted > 0, on_void=on_void > 0), "", ""
    shares: dict[Cause, float] = {}
    for part in parts:
        shares[part.cause] = shares.get(part.cause, 0.0) + part.share
    # Parts come largest first, and sorting keeps the order of equals: the same counts give the same sentence.
    ranked = sorted(shares, key=lambda cause: -shares[cause])
    told = [ranked[0], *(cause for cause in ranked[1:2] if shares[cause] >= _SECOND)]
    share = {cause: _share(parts, [part for part in parts if part.cause == cause]) for cause in told}
    phrases = [f"{percent(share[cause])} {_phrase(cause, parts)}" for cause in told]
    phrases[0] = phrases[0].replace(" ", " of the loss is ", 1)
    small = ranked[0] == "missed" and _sizes([part for part in parts if part.cause == "missed"])
    advice = MISSED_SMALL if small and small[1] <= _SMALL else ADVICE[ranked[0]]
    opening = name
    if not predicted:
        advice = NEVER_PREDICTED
        opening += " is predicted only where the truth is void" if on_void else " is never predicted"
    elif not true:
        opening += " is predicted but absent from the truth"
    return f"{opening}: {', '.join(phrases)}: {advice.remedy}", advice.remedy, advice.how_to


def _without_loss(name: str, confusion: Int64[np.ndarray, "k1 k1"], *, present: bool, on_void: bool) -> str:
    if not confusion[:-1].any():
        return _ALL_VOID
    if present:
        return f"{name}: no loss to explain"
    # Void is no truth, but the class is in the masks.
    return f"{name}: " + ("predicted only where the truth is void" if on_void else "absent from truth and prediction")


def _share(parts: Sequence[Part], some: Sequence[Part]) -> float:
    """The share of the loss of some of the parts, exact where they are all."""
    return sum(part.pixels for part in some) / sum(part.pixels for part in parts)


def _phrase(cause: Cause, parts: Sequence[Part]) -> str:
    """A cause in words that its whole share is true of; sizes and classes of only most of it are said to be that."""
    own = [part for part in parts if part.cause == cause]
    phrase = ADVICE[cause].phrase
    if cause in ("boundary", "noise", "suspect"):
        return phrase
    whole = percent(_share(parts, own))
    if cause == "partial":
        return own[0].detail if percent(own[0].share) == whole else phrase
    sizes = _sizes(own)
    if sizes:
        first, last = sizes
        words = size_words(first, last)
        held = sum(_by_size(own)[first if first > 1 else 0 : last + 1])  # as the words say: "under 200 px"
        exact = percent(held / sum(part.pixels for part in parts)) == whole
        return f"{phrase} {words}" if exact else f"{phrase}, mostly {words}"
    for named in (own[:1], own[:2]):
        if percent(_share(parts, named)) == whole:
            return f"{phrase} {_names(named)}"
    for named in (own[:1], own[:2]):
        if _share(own, named) >= _MOST:
            return f"{phrase}, mostly {_names(named)}"
    return f"{phrase} {_names(own[:2], ', ')} and others"


def _names(parts: Sequence[Part], between: str = " and ") -> str:
    """The classes that parts are named after, with the word that leads to them."""
    if parts[0].cause == "confusion":
        return f"with {between.join(part.detail for part in parts)}"
    return f"of {between.join(part.detail.removeprefix('of ') for part in parts)}"


def _by_size(own: Sequence[Part]) -> list[int]:
    """The pixels of missed or spurious objects by size stratum; 0 throughout where parts are named after classes."""
    pixels = {part.detail: part.pixels for part in own}
    strata = [pixels.get(size_words(size, size), 0) for size in range(_STRATA)]
    strata[1] += pixels.get(_WITHOUT_SPECKS, 0)
    return strata


def _sizes(own: Sequence[Part]) -> tuple[int, int] | None:
    """The shortest range of sizes that holds most of the pixels of missed or spurious objects, as two strata.

    None where they are named after classes and not sizes, as the background's are.
    """
    held, least = _by_size(own), _MOST * sum(part.pixels for part in own)
    ranges = [(first, last) for first in range(_STRATA) for last in range(first, _STRATA)]
    enough = [each for each in ranges if sum(held[each[0] : each[1] + 1]) >= least]
    return min(enough, key=lambda each: (each[1] - each[0], -sum(held[each[0] : each[1] + 1])), default=None)
