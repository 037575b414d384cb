"""Judging the pieces of two masks: which objects of the truth are lost, and which predicted ones have no base in it.

The rules are those of :mod:`intarsia.metrics.causes`; the thresholds stand here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64, Integer, Shaped, UInt32

from intarsia.metrics import causes_kernels as kernels
from intarsia.ops.boundary import class_boundaries, squared_distance_within
from intarsia.ops.components import connected_components
from intarsia.ops.overlay import background_index
from intarsia.types import LabelMap

SIZES = (10, 200, 32**2, 96**2)
"""Where the size strata part, in pixels: specks below 10, tiny below 200, then COCO's small, medium and large."""

_SPECK = SIZES[0]
_RIGHT_SHARE = 0.1  # of a piece's pixels, below which it is lost or baseless
_MAIN_SHARE = 1 / 3  # of an object's outline, along which the neighbor that has most of it may swallow it whole
_SURE = 0.9  # mean confidence below which no object contradicts the truth
_COHERENT = 200  # pixels below which none does


@dataclass(frozen=True)
class Scene:
    """Two masks of one picture as the kernels take them, and the boundary band.

    Args:
        true: class numbers: 0 for void, k + 1 for the class of index k.
        found: class numbers of the prediction, 0 also wherever the truth is void.
        true_pieces: the connected pieces of ``true``.
        found_pieces: the connected pieces of ``found``.
        near: True in the band along the true borders.
        background: the number of the background class, or -1.
    """

    true: Integer[np.ndarray, "height width"]
    found: Integer[np.ndarray, "height width"]
    true_pieces: UInt32[np.ndarray, "height width"]
    found_pieces: UInt32[np.ndarray, "height width"]
    near: Bool[np.ndarray, "height width"]
    background: int

    @property
    def masks(self) -> tuple[np.ndarray, ...]:
        """The four masks in the order in which the kernels take them."""
        return self.true, self.found, self.true_pieces, self.found_pieces


def scene(
    truth: Shaped[np.ndarray, "height width"],
    predicted: Shaped[np.ndarray, "height width"],
    label_map: LabelMap,
    band: int,
) -> Scene:
    """Prepare two masks of known ids; ``band`` is the width of the band to either side of a border, in pixels."""
    count, background = label_map.num_classes, background_index(label_map)
    numbers = np.where(label_map.index_of_id < count, label_map.index_of_id + 1, 0)
    numbers = numbers.astype(np.uint8 if count < 255 else np.uint16)
    true, found = numbers.take(truth), numbers.take(predicted)
    found[true == 0] = 0
    reach = band - 1  # the border's own pixels are at distance 0
    near = squared_distance_within(class_boundaries(true, void=None), reach) <= reach**2
    return Scene(
        true,
        found,
        connected_components(true)[0],
        connected_components(found)[0],
        near,
        -1 if background is None else background + 1,
    )


def judge(
    seen: Scene, num_classes: int, confidence: Float32[np.ndarray, "height width"] | None
) -> tuple[Int32[np.ndarray, "trues 5"], Int32[np.ndarray, "founds 4"], Int64[np.ndarray, "3 k sizes"]]:
    """Judge every piece.

    Returns:
        The states of the true and of the predicted pieces, one row a piece, as
        :func:`~intarsia.metrics.causes_kernels.attribute` takes them; and by class and size how many objects the truth
        holds, how many of them were found, and their pixels.
    """
    true_table, found_table = (np.zeros((_count(pieces) + 1, 5), np.int32) for pieces in seen.masks[2:])
    kernels.survey(*seen.masks, seen.near, true_table, found_table)
    found_table[0] = 0  # void predictions are no piece
    lost, baseless = _without_core(true_table), _without_core(found_table)
    cover, small = true_table[:, kernels.COVER], true_table[:, kernels.AREA] < _SPECK
    suspect = lost & small & (true_table[:, kernels.HITS] == 0) & (cover > 0) & ~baseless[cover]
    objects = _objects(true_table, lost, num_classes)

    found_state = np.zeros((len(found_table), 4), np.int32)
    found_state[:, kernels.SIZE] = _size_columns(found_table)
    found_state[:, kernels.SPECK] = baseless & (found_table[:, kernels.AREA] < _SPECK)
    baseless &= found_table[:, kernels.CLASS] != seen.background
    found_state[:, kernels.BASELESS] = baseless
    if confidence is not None:
        found_state[:, kernels.SUSPECT] = baseless & _surer_than_right(seen, found_table, confidence)

    true_state = np.zeros((len(true_table), 5), np.int32)
    true_state[:, kernels.SUSPECT] = suspect
    true_state[:, kernels.SIZE] = _size_columns(true_table)
    lost &= true_table[:, kernels.CLASS] != seen.background
    true_state[:, kernels.LOST] = lost
    ranked = lost & ~small
    true_state[:, kernels.RANK] = np.where(ranked, np.cumsum(ranked) - 1, -1)
    wrong = true_table[:, kernels.AREA] - true_table[:, kernels.HITS]
    true_state[:, kernels.MISSED] = lost & (2 * _dissolved(seen, true_state, found_state, num_classes) >= wrong)
    return true_state, found_state, objects


def _count(pieces: UInt32[np.ndarray, "height width"]) -> int:
    return int(pieces.max(initial=0))


def _without_core(table: Int32[np.ndarray, "pieces 5"]) -> Bool[np.ndarray, "pieces"]:
    """Pieces of which too little is right: lost objects in the truth, baseless ones in the prediction."""
    area, hits, far = (table[:, column] for column in (kernels.AREA, kernels.HITS, kernels.FAR))
    return np.asarray((hits < _RIGHT_SHARE * area) | (far > hits))


def _size_columns(table: Int32[np.ndarray, "pieces 5"]) -> Int64[np.ndarray, "pieces"]:
    return kernels.FIRST_SIZE + np.searchsorted(SIZES, table[:, kernels.AREA], side="right")


def _objects(
    table: Int32[np.ndarray, "pieces 5"], lost: Bool[np.ndarray, "pieces"], num_classes: int
) -> Int64[np.ndarray, "3 k sizes"]:
    classes, sizes = table[1:, kernels.CLASS] - 1, _size_columns(table)[1:] - kernels.FIRST_SIZE
    objects = np.zeros((3, num_classes, len(SIZES) + 1), np.int64)
    weights = np.stack([np.ones_like(classes), ~lost[1:], table[1:, kernels.AREA]])
    for counts, weight in zip(objects, weights, strict=True):
        np.add.at(counts, (classes, sizes), weight)
    return objects


def _dissolved(
    seen: Scene,
    true_state: Int32[np.ndarray, "trues 5"],
    found_state: Int32[np.ndarray, "founds 4"],
    num_classes: int,
) -> Float64[np.ndarray, "trues"]:
    """How many pixels of each lost object became nothing, or what the object stands in.

    An object that goes unseen is filled by its neighbors, each in about the proportion in which it lies along the
    object's outline, or altogether by the one it mostly stands in. A class that fills more is not just what was around.
    """
    rank = true_state[:, kernels.RANK]
    ranked = rank >= 0
    contacts, fills = np.zeros((2, np.count_nonzero(ranked), num_classes + 1), np.int32)
    vanished = np.zeros(len(true_state), np.int32)
    kernels.count_contacts(seen.true, seen.true_pieces, rank, contacts)
    kernels.count_fills(*seen.masks, true_state, found_state, seen.background, vanished, fills)
    contacts[:, 0] = 0  # void is no neighbor
    outline = np.maximum(contacts.sum(axis=1, keepdims=True), 1)
    dissolved = vanished.astype(np.float64)
    allowed = contacts / outline
    main = (allowed == allowed.max(axis=1, keepdims=True)) & (allowed >= _MAIN_SHARE)
    allowed[main] = 1.0
    dissolved[ranked] += np.minimum(fills, allowed * fills.sum(axis=1, keepdims=True)).sum(axis=1)
    return dissolved


def _surer_than_right(
    seen: Scene, table: Int32[np.ndarray, "founds 5"], confidence: Float32[np.ndarray, "height width"]
) -> Bool[np.ndarray, "founds"]:
    """Large predicted pieces of which the network is surer than of the right pixels of their class."""
    pieces, numbers = seen.found_pieces.ravel(), seen.found.ravel()
    right = (seen.true == seen.found).ravel()
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing to compare with: NaN, and no suspicion
        sure = np.bincount(pieces, weights=confidence.ravel(), minlength=len(table)) / np.bincount(
            pieces, minlength=len(table)
        )
        size = int(table[:, kernels.CLASS].max()) + 1
        usual = np.bincount(numbers[right], weights=confidence.ravel()[right], minlength=size) / np.bincount(
            numbers[right], minlength=size
        )
        of_piece = usual[table[:, kernels.CLASS]]
        return np.asarray((table[:, kernels.AREA] >= _COHERENT) & (sure >= _SURE) & (sure >= of_piece))
