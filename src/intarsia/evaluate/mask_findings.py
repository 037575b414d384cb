"""What is odd about masks, in words, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from intarsia.evaluate.checks import Finding
from intarsia.evaluate.diagnosis import Diagnosis
from intarsia.metrics.mask_shapes import SPECK, MaskCounts, block_size, roughness
from intarsia.types import LabelMap

_MOST = 0.5
_SPECKS_A_PICTURE = 20  # specks of one class; hand-drawn CamVid masks have up to 6
_RAGGED = 0.33  # of an outline; hand-drawn CamVid masks lose up to 0.29, of sky seen between leaves
_LEAST_OUTLINE = 200  # pixel edges, below which nothing is said of an outline
_OFF = 1.4  # times too many pixels of a class, or too few
_LOST = 0.05  # of a class's IoU, below which its border is good enough
_LISTED = 5


def findings_of_masks(
    masks: MaskCounts, images: int, label_map: LabelMap, duplicates: Sequence[Sequence[str]], compared: bool
) -> list[Finding]:
    """What can be told from predicted masks alone.

    Args:
        masks: the counts of all masks, added up.
        images: how many masks there are.
        label_map: the classes.
        duplicates: names of masks that are equal.
        compared: whether a truth says which classes ought to be there, and what predicted void costs.
    """
    checks = (
        None if compared else _never_predicted(masks, label_map),
        _one_class(masks, images),
        None if compared else _void(masks),
        _specks(masks, images, label_map),
        _ragged(masks, label_map),
        _blocks(masks),
        _duplicates(duplicates),
    )
    return [finding for finding in checks if finding is not None]


def findings_of_comparison(
    confusion: Int64[np.ndarray, "k1 k1"], diagnosis: Diagnosis, label_map: LabelMap
) -> list[Finding]:
    """What the comparison with the truth tells of amounts and borders, and the diagnosis's own checks.

    Args:
        confusion: the counts of all pictures, void last.
        diagnosis: of the same pictures.
        label_map: the classes.
    """
    true, predicted = confusion[:-1].sum(axis=1), confusion[:-1, :-1].sum(axis=0)
    ratios = {name: float(predicted[k] / true[k]) for k, name in enumerate(label_map.names) if true[k] and predicted[k]}
    under = sorted((name for name in ratios if ratios[name] < 1 / _OFF), key=lambda name: ratios[name])
    over = sorted((name for name in ratios if ratios[name] > _OFF), key=lambda name: -ratios[name])
    findings = []
    for words, classes, remedy in (
        ("under-predicted", under, "Weigh these classes more (loss.class_weights)"),
        ("over-predicted", over, "Weigh these classes less (loss.class_weights), or add pictures without them"),
    ):
        if classes:
            told = _listing([f"{name} (× {ratios[name]:.2f})" for name in classes])
            findings.append(Finding(words, f"Predicted pixels over true pixels: {told}", remedy, "warning"))
    return [*findings, *_blurred(diagnosis), *diagnosis.checks]


def _never_predicted(masks: MaskCounts, label_map: LabelMap) -> Finding | None:
    never = [name for k, name in enumerate(label_map.names) if not masks.pixels[k]]
    if not never:
        return None
    return Finding(
        "never predicted",
        f"No mask holds {_listing(never)}",
        "Look whether these pictures show any; if they do, weigh the class more (loss.class_weights=balanced)",
        "warning",
    )


def _one_class(masks: MaskCounts, images: int) -> Finding | None:
    uniform = int(masks.uniform[0])
    if uniform == 0:
        return None
    return Finding(
        "one class only",
        f"{uniform} of {images} masks hold a single class",
        "Look at a few of these pictures: is there really nothing else in them?",
        "warning" if uniform > _MOST * images else "note",
    )


def _void(masks: MaskCounts) -> Finding | None:
    share = float(masks.pixels[-1] / max(masks.pixels.sum(), 1))
    if share == 0:
        return None
    return Finding(
        "void predicted",
        f"{_percent(share)} of the pixels hold the ignore id; where the truth is a class, each is a miss",
        "Let the program that made the masks choose a class everywhere",
        "warning",
    )


def _specks(masks: MaskCounts, images: int, label_map: LabelMap) -> Finding | None:
    noisy = masks.specks > np.maximum(_SPECKS_A_PICTURE * images, _MOST * masks.pieces)
    if not noisy.any():
        return None
    worst = [k for k in np.argsort(-masks.specks, kind="stable") if noisy[k]]
    return Finding(
        "specks",
        f"Pieces of under {SPECK} pixels, a picture: "
        + _listing([f"{label_map.names[k]} {masks.specks[k] / images:.0f}" for k in worst]),
        "Train longer or on larger crops; or remove specks from the masks",
        "warning",
    )


def _ragged(masks: MaskCounts, label_map: LabelMap) -> Finding | None:
    shares = roughness(masks)
    ragged = [
        f"{name} ({shares[k]:.0%})"
        for k, name in enumerate(label_map.names)
        if masks.outline[k] >= _LEAST_OUTLINE and shares[k] > _RAGGED
    ]
    if not ragged:
        return None
    return Finding(
        "ragged outlines",
        f"Smoothing over 3×3 pixels would take away much of the outline of {_listing(ragged)}",
        "Look at the borders in a few masks; see docs/how-to/sharper-boundaries.md",
        "warning",
    )


def _blocks(masks: MaskCounts) -> Finding | None:
    size = block_size(masks)
    if size == 1 or masks.lattice.sum() < _LEAST_OUTLINE:
        return None
    return Finding(
        "blocks",
        f"The masks are made of blocks of {size}×{size} pixels, as if enlarged by nearest neighbor",
        "Enlarge the network's scores and not its mask (`intarsia predict` does), or predict at full size",
        "warning",
    )


def _duplicates(duplicates: Sequence[Sequence[str]]) -> Finding | None:
    if not duplicates:
        return None
    told = "; ".join(" = ".join(names[:3]) + (" = …" if len(names) > 3 else "") for names in duplicates[:_LISTED])
    return Finding(
        "equal masks",
        f"{sum(map(len, duplicates))} masks are equal to another to the last pixel: {told}",
        "Look whether the same picture is there twice, or a mask was copied to a wrong name",
        "warning",
    )


def _blurred(diagnosis: Diagnosis) -> list[Finding]:
    blurred = {}
    for entry in diagnosis.classes:
        share = sum(part.share for part in entry.parts if part.cause == "boundary")
        if entry.lost is not None and entry.lost >= _LOST and share >= _MOST:
            blurred[entry.name] = share
    if not blurred:
        return []
    worst = sorted(blurred, key=lambda name: -blurred[name])
    told = _listing([f"{name} ({_percent(blurred[name])} of the loss)" for name in worst])
    return [
        Finding(
            "blurred borders",
            f"Most of what is lost lies at the border: {told}",
            "Train and predict on larger pictures; see docs/how-to/sharper-boundaries.md",
            "warning",
        )
    ]


def _listing(words: Sequence[str]) -> str:
    rest = len(words) - _LISTED
    return ", ".join(words[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
