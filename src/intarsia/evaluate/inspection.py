"""Looking at masks: what they hold and what is odd about it, with a truth beside them or without."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia.data.formats.mask import read_mask, unknown_ids
from intarsia.data.parallel import Progress, iterate_files
from intarsia.errors import RecipeError
from intarsia.evaluate.checks import Finding
from intarsia.evaluate.diagnosis import Diagnosis, diagnose
from intarsia.evaluate.mask_findings import findings_of_comparison, findings_of_masks
from intarsia.evaluate.seams import ErrorProfile, error_profile, seam_excess, seam_period
from intarsia.metrics import counts
from intarsia.metrics.causes import CauseCounts, cause_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.mask_shapes import MaskCounts, area_quantiles, block_size, count_mask, roughness
from intarsia.types import LabelMap

_QUANTILES = {"10%": 0.1, "50%": 0.5, "90%": 0.9}


@dataclass(frozen=True)
class Inspection:
    """What masks hold, and what is odd about them.

    Args:
        images: how many masks there are.
        label_map: the classes.
        masks: their counts, added up.
        areas: of each class, how many pieces there are of each size in pixels, specks left out.
        duplicates: names of masks that are equal to the last pixel, of which those of a single class are left out.
        findings: what is odd, and what to do about it.
        confusion: pixels of each pair of true and predicted class; None without a truth.
        diagnosis: why pixels are wrong; None without a truth.
    """

    images: int
    label_map: LabelMap
    masks: MaskCounts
    areas: tuple[Mapping[int, int], ...]
    duplicates: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    confusion: Int64[np.ndarray, "k1 k1"] | None = None
    diagnosis: Diagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold; undefined figures are null."""
        return {
            "images": self.images,
            "classes": self._classes(),
            "void": float(self.masks.pixels[-1] / max(self.masks.pixels.sum(), 1)),
            "one_class_images": int(self.masks.uniform[0]),
            "block_size": block_size(self.masks),
            "duplicates": [list(names) for names in self.duplicates],
            "findings": [asdict(finding) for finding in self.findings],
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
        }

    def _classes(self) -> list[dict[str, Any]]:
        masks, labels = self.masks, self.label_map
        total = max(int(masks.pixels[:-1].sum()), 1)
        ragged = roughness(masks)
        rows = []
        for k, name in enumerate(labels.names):
            pieces, specks = int(masks.pieces[k]), int(masks.specks[k])
            row = {
                "id": labels.ids[k],
                "name": name,
                "pixels": int(masks.pixels[k]),
                "share": float(masks.pixels[k] / total),
                "images": int(masks.pictures[k]),
                "pieces": pieces,
                "specks": specks,
                "speck_pixels": int(masks.speck_pixels[k]),
                "size_quantiles": dict(
                    zip(_QUANTILES, area_quantiles(self.areas[k], list(_QUANTILES.values())), strict=True)
                ),
                "roughness": None if np.isnan(ragged[k]) else round(float(ragged[k]), 4),
            }
            if self.confusion is not None:
                true, predicted = (int(self.confusion[:-1, :-1].sum(axis=axis)[k]) for axis in (1, 0))
                true += int(self.confusion[k, -1])
                row |= {"true_pixels": true, "ratio": predicted / true if true else None}
            rows.append(row)
        return rows


_NONE = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class _Seen:
    """The counts of one mask or of a pair; sizes of pieces are gathered elsewhere and not added up here."""

    name: str
    digest: bytes
    masks: MaskCounts
    areas: Int64[np.ndarray, "found 2"]
    confusion: Int64[np.ndarray, "k1 k1"] | None = None
    causes: CauseCounts | None = None
    profile: ErrorProfile | None = None


def inspect_masks(
    pairs: Sequence[tuple[Path, Path]],
    label_map: LabelMap,
    *,
    truth: bool,
    tile: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Read every mask once and say what is in them; what is kept of them hardly grows with their number.

    Args:
        pairs: (predicted, truth) files, as :func:`~intarsia.evaluate.runner.pair_masks` gives them.
        label_map: what the ids mean.
        truth: whether to compare with the truth; else the second file of a pair is not read.
        tile: the distance between the seams of the tiles that pictures were predicted in, if that is known.
        progress: called with (done, total).

    Raises:
        DataError: a file that cannot be used, or an id that is not a class.
        ShapeError: a prediction of another size than its truth.
        RecipeError: a tile as large as the pictures.
    """
    total: _Seen | None = None
    areas: tuple[Counter[int], ...] = tuple(Counter() for _ in label_map.names)
    names: dict[bytes, list[str]] = {}
    for each in iterate_files(lambda pair: _inspect(*pair, label_map, truth), pairs, progress):
        if not each.masks.uniform[0]:
            names.setdefault(each.digest, []).append(each.name)
        for k, area in each.areas.tolist():
            areas[k][area] += 1
        total = each if total is None else _sum(total, each)
    assert total is not None, "pairing refuses empty folders"
    duplicates = tuple(tuple(same) for same in names.values() if len(same) > 1)
    findings = findings_of_masks(total.masks, len(pairs), label_map, duplicates, compared=truth)
    diagnosis = None
    if total.confusion is not None and total.causes is not None and total.profile is not None:
        seams = _seams(total.profile, tile)
        diagnosis = diagnose(total.confusion, total.causes, label_map, [seams] if seams else [])
        findings += findings_of_comparison(total.confusion, diagnosis, label_map)
    return Inspection(
        len(pairs), label_map, total.masks, areas, duplicates, tuple(findings), total.confusion, diagnosis
    )


def _seams(profile: ErrorProfile, tile: int | None) -> Finding | None:
    """What was asked is answered, with a note at least; what was not, is told when it is clear."""
    if tile is None:
        return seam_period(profile)
    height, width = profile.rows.shape[1], profile.columns.shape[1]
    if tile >= max(height, width):
        raise RecipeError(
            f"tiles of {tile} pixels have no seam in pictures of {width}×{height}",
            where="--tile",
            remedy="Give the distance between two seams in pixels: the tile's side, less the overlap of two tiles",
        )
    none = "No more pixels are wrong along the seams than elsewhere, or not clearly more"
    return seam_excess(profile, tile) or Finding("tile seams", none, "Look for other causes", "note")


def _inspect(predicted: Path, truth: Path, label_map: LabelMap, compare: bool) -> _Seen:
    mask = _read(predicted, label_map)
    digest = hashlib.blake2b(f"{mask.shape}{mask.dtype}".encode() + mask.tobytes(), digest_size=16).digest()
    masks, areas = count_mask(mask, label_map, predicted)
    if not compare:
        return _Seen(predicted.name, digest, masks, areas)
    true = _read(truth, label_map)
    return _Seen(
        predicted.name,
        digest,
        masks,
        areas,
        confusion_matrix(true, mask, label_map, predicted),
        cause_counts(true, mask, label_map, where=predicted),
        error_profile(true, mask, label_map, predicted),
    )


def _read(path: Path, label_map: LabelMap) -> np.ndarray:
    mask = read_mask(path)
    unknown = label_map.unknown_ids(mask)
    if unknown:
        raise unknown_ids(unknown, label_map, path)
    return mask


def _sum(first: _Seen, second: _Seen) -> _Seen:
    masks = counts.total(counts.stack([first.masks, second.masks]))
    if first.confusion is None or second.confusion is None:
        return _Seen("", b"", masks, _NONE)
    assert first.causes is not None
    assert second.causes is not None
    assert first.profile is not None
    assert second.profile is not None
    return _Seen(
        "",
        b"",
        masks,
        _NONE,
        first.confusion + second.confusion,
        counts.total(counts.stack([first.causes, second.causes])),
        first.profile + second.profile,
    )
