"""Predictions made from the truth by one known mistake each, and scenes to make them of: shared with the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from intarsia.evaluate.diagnosis import ClassDiagnosis, Diagnosis, diagnose
from intarsia.metrics import confusion_matrix
from intarsia.metrics.causes import cause_counts
from intarsia.types import LabelMap

Rng = np.random.Generator


@dataclass(frozen=True)
class Corrupted:
    """A truth, a prediction that differs from it by one mistake, and who must be told about it.

    Args:
        truth: class ids.
        predicted: class ids.
        classes: indices of the classes the mistake was made on.
    """

    truth: np.ndarray
    predicted: np.ndarray
    classes: tuple[int, ...]


SCENE = LabelMap(("background", "rock", "tree", "boat", "buoy"))
QUILT = LabelMap(
    ("field", "wood", "water", "car", "person"),
    colors=((90, 160, 60), (20, 90, 30), (40, 80, 200), (200, 40, 40), (240, 200, 60)),
    ignore=255,
)


def scene(rng: Rng) -> tuple[np.ndarray, LabelMap]:
    """Objects of four classes and of many sizes, apart or touching, on a background."""
    mask = np.zeros((192, 256), np.uint8)
    _objects(mask, rng, classes=(1, 2, 3, 4), count=22)
    return mask, SCENE


def quilt(rng: Rng) -> tuple[np.ndarray, LabelMap]:
    """No background: three classes share the ground, two are objects on it; a void rim and a void blot."""
    rows, columns = np.mgrid[:192, :256]
    seeds = rng.uniform((0, 0), mask_size := (192, 256), (9, 2))
    nearest = np.hypot(rows - seeds[:, :1, None], columns - seeds[:, 1:, None]).argmin(axis=0)
    mask = rng.permutation(np.arange(9) % 3)[nearest].astype(np.uint8)
    _objects(mask, rng, classes=(3, 4), count=18)
    mask[:3] = mask[-3:] = 255
    y, x = rng.uniform((20, 20), np.array(mask_size) - 20)
    mask[np.hypot(rows - y, columns - x) < 8] = 255
    return mask, QUILT


def _objects(mask: np.ndarray, rng: Rng, classes: tuple[int, ...], count: int) -> None:
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    for number in range(count):
        radius = float(np.exp(rng.uniform(np.log(2.5), np.log(26))))
        y, x = rng.uniform((0, 0), mask.shape)
        stretch, angle = rng.uniform(0.6, 1.6), rng.uniform(0, np.pi)
        along = (rows - y) * np.cos(angle) + (columns - x) * np.sin(angle)
        across = (columns - x) * np.cos(angle) - (rows - y) * np.sin(angle)
        mask[(along * stretch) ** 2 + (across / stretch) ** 2 < radius**2] = classes[number % len(classes)]


def eroded(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """One class shrinks by 1 or 2 pixels; its neighbors take the place."""
    k = _any_class(truth, label_map, rng, least=600)
    if k is None:
        return None
    own = truth == label_map.ids[k]
    inside = ndimage.binary_erosion(own, iterations=int(rng.integers(1, 3)), border_value=1)
    return _replaced(truth, own & ~inside, own, label_map, (k,))


def dilated(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """One class swells by 1 or 2 pixels."""
    k = _any_class(truth, label_map, rng, least=600)
    if k is None:
        return None
    own = truth == label_map.ids[k]
    predicted = truth.copy()
    predicted[ndimage.binary_dilation(own, iterations=int(rng.integers(1, 3)))] = label_map.ids[k]
    return Corrupted(truth, predicted, (k,))


def small_objects_deleted(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """The objects of one class between 10 and 400 pixels vanish; what is around closes over them."""
    k, own, gone = _chosen_objects(truth, label_map, rng, low=10, high=400)
    return None if k is None else _replaced(truth, gone, own, label_map, (k,))


def small_objects_swallowed(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """The same objects vanish, each under the one neighbor that touches it most."""
    k, _, gone = _chosen_objects(truth, label_map, rng, low=10, high=400)
    if k is None:
        return None
    predicted = truth.copy()
    pieces, count = ndimage.label(gone, np.ones((3, 3)))
    for piece in range(1, count + 1):
        ring = truth[ndimage.binary_dilation(pieces == piece) & (pieces != piece)]
        around = ring[np.isin(ring, label_map.ids) & (ring != label_map.ids[k])]
        if around.size:
            predicted[pieces == piece] = np.bincount(around).argmax()
    return Corrupted(truth, predicted, (k,))


def objects_swapped(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """Whole objects of one class are called another class that occurs, other than the background."""
    k, _, chosen = _chosen_objects(truth, label_map, rng, low=60, high=20_000)
    others = [j for j in _foreground(truth, label_map) if j != k]
    if k is None or not others:
        return None
    j = int(rng.choice(others))
    predicted = np.where(chosen, label_map.ids[j], truth).astype(truth.dtype)
    return Corrupted(truth, predicted, (k, j))


def salt_and_pepper(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """Up to a tenth of the pixels get any class."""
    ids = np.array(label_map.ids, truth.dtype)
    hit = rng.random(truth.shape) < rng.uniform(0.01, 0.1)
    predicted = np.where(hit, rng.choice(ids, truth.shape), truth)
    present = tuple(k for k, i in enumerate(label_map.ids) if (truth == i).any())
    return Corrupted(truth, predicted, present)


def objects_invented(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """A few discs of one class where there is nothing of it nearby."""
    k = _any_class(truth, label_map, rng, least=1)
    if k is None:
        return None
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    far = ndimage.distance_transform_edt(truth != label_map.ids[k])
    predicted = truth.copy()
    for _ in range(int(rng.integers(1, 6))):
        radius = rng.uniform(2.5, 14)
        places = np.argwhere(far > radius + 3)
        if len(places):
            y, x = places[rng.integers(len(places))]
            predicted[np.hypot(rows - y, columns - x) < radius] = label_map.ids[k]
    return Corrupted(truth, predicted, (k,))


def truth_speckled(truth: np.ndarray, label_map: LabelMap, rng: Rng) -> Corrupted | None:
    """The prediction is clean; the truth holds specks of 1 to 4 pixels of classes that do not belong there."""
    speckled = truth.copy()
    for _ in range(int(rng.integers(20, 120))):
        y, x = rng.integers((1, 1), np.array(truth.shape) - 2)
        size = rng.integers(1, 3, 2)
        patch = truth[y - 1 : y + size[0] + 1, x - 1 : x + size[1] + 1]
        if (patch == patch[0, 0]).all() and patch[0, 0] in label_map.ids:
            other = [i for i in label_map.ids if i != patch[0, 0] and (truth == i).sum() > 1000]
            if other:
                speckled[y : y + size[0], x : x + size[1]] = rng.choice(other)
    touched = truth != speckled
    if not touched.any():
        return None
    classes = {label_map.ids.index(int(i)) for i in speckled[touched]}
    return Corrupted(speckled, truth, tuple(sorted(classes)))


Corruption = Callable[[np.ndarray, LabelMap, Rng], Corrupted | None]

CORRUPTIONS: dict[str, tuple[Corruption, str]] = {
    "eroded": (eroded, "boundary"),
    "dilated": (dilated, "boundary"),
    "small objects deleted": (small_objects_deleted, "missed"),
    "small objects swallowed": (small_objects_swallowed, "missed"),
    "objects swapped": (objects_swapped, "confusion"),
    "salt and pepper": (salt_and_pepper, "noise"),
    "objects invented": (objects_invented, "spurious"),
    "specks in the truth": (truth_speckled, "suspect"),
}
"""Each mistake by name, and the cause a diagnosis must name first for every class it was made on."""


def jittered(mask: np.ndarray, label_map: LabelMap, rng: Rng) -> np.ndarray:
    """The mask with its borders moved by about a pixel, as an otherwise good prediction has them."""
    shift = [ndimage.gaussian_filter(rng.standard_normal(mask.shape), 4) for _ in range(2)]
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    y, x = (
        np.clip(np.rint(at + 0.9 * each / each.std()), 0, size - 1).astype(np.intp)
        for at, each, size in zip((rows, columns), shift, mask.shape, strict=True)
    )
    moved = mask[y, x]
    return np.where(np.isin(moved, label_map.ids), moved, mask)


def _foreground(truth: np.ndarray, label_map: LabelMap) -> list[int]:
    background = 0 if label_map.colors[0] == (0, 0, 0) else None
    return [k for k, i in enumerate(label_map.ids) if k != background and (truth == i).any()]


def _any_class(truth: np.ndarray, label_map: LabelMap, rng: Rng, least: int) -> int | None:
    enough = [k for k in _foreground(truth, label_map) if (truth == label_map.ids[k]).sum() >= least]
    return int(rng.choice(enough)) if enough else None


def _chosen_objects(
    truth: np.ndarray, label_map: LabelMap, rng: Rng, low: int, high: int
) -> tuple[int | None, np.ndarray, np.ndarray]:
    """A class, its pixels, and those of about two thirds of its objects in a range of sizes (at least one)."""
    for k in rng.permutation(_foreground(truth, label_map)):
        own = truth == label_map.ids[k]
        pieces, _ = ndimage.label(own, np.ones((3, 3)))
        areas = np.bincount(pieces.ravel())
        fitting = [piece for piece in range(1, len(areas)) if low <= areas[piece] <= high]
        if fitting:
            chosen = [piece for piece in fitting if rng.random() < 0.67] or fitting[:1]
            return int(k), own, np.isin(pieces, chosen)
    return None, truth == -1, truth == -1


def _replaced(
    truth: np.ndarray, gone: np.ndarray, own: np.ndarray, label_map: LabelMap, classes: tuple[int, ...]
) -> Corrupted:
    """Give the pixels that are gone the nearest class other than their own."""
    usable = ~own & np.isin(truth, label_map.ids)
    y, x = ndimage.distance_transform_edt(~usable, return_distances=False, return_indices=True)
    return Corrupted(truth, np.where(gone, truth[y, x], truth), classes)


def main_cause(entry: ClassDiagnosis) -> str | None:
    """The cause that explains most of what a class loses; None without a loss."""
    pixels = by_cause(entry)
    return max(pixels, key=lambda cause: pixels[cause]) if pixels else None


def by_cause(entry: ClassDiagnosis) -> Counter[str]:
    """The pixels a class loses by each cause."""
    pixels: Counter[str] = Counter()
    for part in entry.parts:
        pixels[part.cause] += part.pixels
    return pixels


def diagnose_pair(truth: np.ndarray, predicted: np.ndarray, label_map: LabelMap) -> Diagnosis:
    """The diagnosis of a single picture."""
    return diagnose(confusion_matrix(truth, predicted, label_map), cause_counts(truth, predicted, label_map), label_map)


def verdicts(
    corrupt: Corruption, truth: np.ndarray, label_map: LabelMap, rng: Rng
) -> list[tuple[str | None, ClassDiagnosis]]:
    """Corrupt a truth and ask for the main cause of every class the mistake was made on and that lost by it."""
    made = corrupt(truth, label_map, rng)
    if made is None:
        return []
    diagnosis = diagnose_pair(made.truth, made.predicted, label_map)
    return [(main_cause(diagnosis.classes[k]), diagnosis.classes[k]) for k in made.classes if diagnosis.classes[k].lost]


def verdicts_on_imperfect(
    corrupt: Corruption, truth: np.ndarray, label_map: LabelMap, rng: Rng
) -> list[tuple[str | None, ClassDiagnosis]]:
    """The same mistake in a prediction whose borders are off everywhere: the cause that grew most by it."""
    made = corrupt(truth, label_map, rng)
    if made is None:
        return []
    shaken = jittered(truth, label_map, rng)
    before = diagnose_pair(truth, shaken, label_map)
    predicted = np.where(made.predicted != truth, made.predicted, shaken)
    after = diagnose_pair(made.truth, predicted, label_map)
    grown = [
        (by_cause(after.classes[k]) - by_cause(before.classes[k]), after.classes[k])
        for k in made.classes
        if after.classes[k].lost
    ]
    return [(growth.most_common(1)[0][0] if growth else None, entry) for growth, entry in grown]
