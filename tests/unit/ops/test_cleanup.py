"""Cleaning beside slow loops over scipy's components, and on masks small enough to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from intarsia.errors import RecipeError, ShapeError
from intarsia.ops.cleanup import drop_specks, fill_holes, keep_largest

VOID = 9
PICTURES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.sampled_from([0, 1, 4, VOID]))
VOLUMES = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.sampled_from([0, 1, 4, VOID]))
MASKS = st.one_of(PICTURES, VOLUMES)
LOOSE = {4: (2, 1), 8: (2, 2), 6: (3, 1), 18: (3, 2), 26: (3, 3)}
BEHIND = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}
IsSettled = Callable[[np.ndarray, int], bool]


def structure(connectivity: int) -> np.ndarray:
    return np.asarray(ndimage.generate_binary_structure(*LOOSE[connectivity]))


def connectivities(mask: np.ndarray) -> st.SearchStrategy[Any]:
    return st.sampled_from([4, 8] if mask.ndim == 2 else [6, 18, 26])


def pieces_of(mask: np.ndarray, connectivity: int) -> list[np.ndarray]:
    """Each piece as a mask, the first that is read first."""
    found = []
    for label in set(mask.ravel().tolist()) - {VOID}:
        numbers, count = ndimage.label(mask == label, structure(connectivity))
        found += [numbers == number for number in range(1, count + 1)]
    return sorted(found, key=lambda piece: int(np.flatnonzero(piece)[0]))


def surrounding(mask: np.ndarray, piece: np.ndarray, faces: tuple[float, ...]) -> int | None:
    """The class that shares most border with a piece, counted face by face."""
    shared: dict[int, float] = {}
    for place in zip(*np.nonzero(piece), strict=True):
        for axis, face in enumerate(faces):
            for step in (-1, 1):
                there = tuple(at + step * (axis == k) for k, at in enumerate(place))
                if 0 <= there[axis] < mask.shape[axis] and not piece[there] and mask[there] != VOID:
                    shared[int(mask[there])] = shared.get(int(mask[there]), 0) + face
    return min(shared, key=lambda label: (-shared[label], label)) if shared else None


def slow_replace(
    mask: np.ndarray, is_settled: IsSettled, connectivity: int, faces: tuple[float, ...] | None = None
) -> np.ndarray:
    mask, alone = mask.copy(), set[bytes]()
    while True:
        pieces = [p for p in pieces_of(mask, connectivity) if not is_settled(p, int(mask[p][0]))]
        waiting = [p for p in pieces if p.tobytes() not in alone]
        if not waiting:
            return mask
        smallest = min(waiting, key=lambda piece: int(piece.sum()))  # the first of equal ones
        label = surrounding(mask, smallest, faces or (1.0,) * mask.ndim)
        if label is None:
            alone.add(smallest.tobytes())
        else:
            mask[smallest] = label


def slow_specks(
    mask: np.ndarray, least: Mapping[int, float], connectivity: int, faces: tuple[float, ...] | None = None
) -> np.ndarray:
    return slow_replace(mask, lambda piece, label: piece.sum() >= least.get(label, 0), connectivity, faces)


def slow_largest(mask: np.ndarray, counts: Mapping[int, int], connectivity: int) -> np.ndarray:
    removed = np.zeros(mask.shape, bool)
    for label, count in counts.items():
        pieces = [piece for piece in pieces_of(mask, connectivity) if mask[piece][0] == label]
        for piece in sorted(pieces, key=lambda piece: -int(piece.sum()))[count:]:
            removed |= piece
    return slow_replace(mask, lambda piece, _: not removed[piece].all(), connectivity)


def slow_holes(mask: np.ndarray, label: int, most: float, connectivity: int) -> np.ndarray:
    filled = mask.copy()
    numbers, count = ndimage.label(mask != label, structure(BEHIND[connectivity]))
    inside = np.pad(np.zeros([max(0, side - 2) for side in mask.shape], bool), 1, constant_values=True)
    at_frame = (
        inside[tuple(slice(0, side) for side in mask.shape)] if min(mask.shape) > 1 else np.ones(mask.shape, bool)
    )
    for number in range(1, count + 1):
        hole = numbers == number
        if hole.sum() <= most and not (hole & (at_frame | (mask == VOID))).any():
            filled[hole] = label
    return filled


@given(st.data(), MASKS, st.integers(0, 9), st.integers(0, 9))
def test_specks_equal_the_slow_loop(data: st.DataObject, mask: np.ndarray, least: int, of_four: int) -> None:
    connectivity, sizes = data.draw(connectivities(mask)), {0: least, 4: of_four}
    found = drop_specks(mask, sizes, void=VOID, connectivity=connectivity)
    np.testing.assert_array_equal(found, slow_specks(mask, sizes, connectivity))


@given(PICTURES, st.integers(0, 9))
def test_specks_of_oblong_pixels_equal_the_slow_loop(mask: np.ndarray, least: int) -> None:
    found = drop_specks(mask, 6 * least, void=VOID, spacing=(3, 2))
    np.testing.assert_array_equal(found, slow_specks(mask, dict.fromkeys([0, 1, 4], least), 8, faces=(2, 3)))


@given(st.data(), MASKS, st.integers(1, 3), st.integers(1, 3))
def test_the_largest_equal_the_slow_loop(data: st.DataObject, mask: np.ndarray, count: int, of_four: int) -> None:
    connectivity, counts = data.draw(connectivities(mask)), {1: count, 4: of_four}
    found = keep_largest(mask, counts, void=VOID, connectivity=connectivity)
    np.testing.assert_array_equal(found, slow_largest(mask, counts, connectivity))
    kept = [int(found[piece][0]) for piece in pieces_of(found, connectivity)]
    before = [int(mask[piece][0]) for piece in pieces_of(mask, connectivity)]
    if len(kept) > 1 and VOID not in mask:
        assert kept.count(1) <= min(count, before.count(1))


@given(st.data(), MASKS, st.integers(0, 6))
def test_holes_equal_the_slow_loop(data: st.DataObject, mask: np.ndarray, most: int) -> None:
    connectivity = data.draw(connectivities(mask))
    expected = slow_holes(slow_holes(mask, 4, most, connectivity), 0, most + 1, connectivity)
    found = fill_holes(mask, {4: most, 0: most + 1}, void=VOID, connectivity=connectivity)
    np.testing.assert_array_equal(found, expected)


@given(st.data(), MASKS, st.integers(1, 12))
def test_no_speck_remains_but_what_nothing_surrounds(data: st.DataObject, mask: np.ndarray, least: int) -> None:
    connectivity = data.draw(connectivities(mask))
    found = drop_specks(mask, least, void=VOID, connectivity=connectivity)
    for piece in pieces_of(found, connectivity):
        assert piece.sum() >= least or surrounding(found, piece, (1.0,) * mask.ndim) is None
    for piece in pieces_of(mask, connectivity):
        if piece.sum() >= least:
            np.testing.assert_array_equal(found[piece], mask[piece])
    np.testing.assert_array_equal(found == VOID, mask == VOID)


CLEANERS: tuple[Callable[..., np.ndarray], ...] = (
    lambda mask, **grid: drop_specks(mask, 5, **grid),
    lambda mask, **grid: drop_specks(mask, {0: 5, 4: 2}, to=1, **grid),
    lambda mask, **grid: keep_largest(mask, 1, **grid),
    lambda mask, **grid: keep_largest(mask, {4: 2}, to=0, **grid),
    lambda mask, **grid: fill_holes(mask, 4, **grid),
)


@pytest.mark.parametrize("cleaner", CLEANERS)
@given(data=st.data(), mask=MASKS)
def test_cleaning_twice_is_cleaning_once(
    cleaner: Callable[..., np.ndarray], data: st.DataObject, mask: np.ndarray
) -> None:
    # Within a ring of void all pieces may be removed: they grow together, and the largest of all may be one of them.
    void = None if cleaner is CLEANERS[2] else VOID
    grid = {"void": void, "connectivity": data.draw(connectivities(mask))}
    once = cleaner(mask, **grid)
    assert once is not mask
    assert once.dtype == mask.dtype
    np.testing.assert_array_equal(cleaner(once, **grid), once)


@pytest.mark.parametrize("cleaner", CLEANERS)
@given(mask=PICTURES, top=st.integers(0, 3), left=st.integers(0, 3))
def test_where_a_mask_lies_in_a_larger_one_does_not_matter(
    cleaner: Callable[..., np.ndarray], mask: np.ndarray, top: int, left: int
) -> None:
    moved = np.pad(mask, ((top, 3 - top), (left, 3 - left)), constant_values=VOID)
    expected = np.pad(cleaner(mask, void=VOID), ((top, 3 - top), (left, 3 - left)), constant_values=VOID)
    np.testing.assert_array_equal(cleaner(moved, void=VOID), expected)


def test_a_speck_takes_what_surrounds_it_most_and_void_does_not_count() -> None:
    mask = np.array([[1, 1, 1, 2, 2], [1, 1, 7, 2, 2], [1, 1, 9, 2, 2], [1, 1, 1, 2, 2]], np.uint8)
    found = drop_specks(mask, 2, void=9)
    assert found[1, 2] == 1  # two edges of three
    assert found[2, 2] == 9
    assert drop_specks(mask, 2, void=9, to=2)[1, 2] == 2
    assert drop_specks(mask, 2)[2, 2] == 1  # where 9 is a class, it is a speck like any other


def test_specks_of_specks_go_with_them() -> None:
    mask = np.zeros((7, 7), np.uint8)
    mask[2:5, 2:5] = 1
    mask[3, 3] = 2
    assert not drop_specks(mask, 10).any()
    np.testing.assert_array_equal(drop_specks(mask, 9), np.where(mask == 2, 1, mask))  # together they are nine


def test_a_piece_that_fills_the_mask_stays() -> None:
    mask = np.full((3, 3), 5, np.uint8)
    np.testing.assert_array_equal(drop_specks(mask, 100), mask)
    np.testing.assert_array_equal(keep_largest(mask, 1), mask)


def test_sizes_in_physical_units() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[2, 2:9] = 1  # seven pixels
    for least, remain in ((0.7, True), (0.70001, False)):
        assert drop_specks(mask, {1: least}, spacing=(0.5, 0.2)).any() == remain
    ring = np.ones((9, 9), np.uint8)
    ring[3, 1:8] = 0
    for most, filled in ((0.7, True), (0.69999, False)):
        assert fill_holes(ring, {1: most}, spacing=(0.5, 0.2)).all() == filled
    volume = np.zeros((4, 6, 6), np.uint8)
    volume[1:3, 2:4, 2:4] = 1  # eight voxels of 3
    assert drop_specks(volume, 24, spacing=(3, 1, 1)).any()
    assert not drop_specks(volume, 24.1, spacing=(3, 1, 1)).any()


def test_long_edges_count_more() -> None:
    mask = np.array([[1, 1, 1], [2, 7, 2], [1, 1, 1]], np.uint8)
    assert drop_specks(mask, {7: 2}, connectivity=4)[1, 1] == 1  # equal: the lower id
    assert drop_specks(mask, {7: 6}, spacing=(3, 1), connectivity=4)[1, 1] == 2  # its left and right edges are longer
    assert drop_specks(mask, {7: 6}, spacing=(1, 3), connectivity=4)[1, 1] == 1


def test_the_largest_in_reading_order() -> None:
    mask = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 1, 1, 1]], np.uint8)
    np.testing.assert_array_equal(keep_largest(mask, {1: 1}), [[0] * 5, [0] * 5, [0, 0, 1, 1, 1]])
    np.testing.assert_array_equal(keep_largest(mask, {1: 2}), [[1, 1, 0, 0, 0], [0] * 5, [0, 0, 1, 1, 1]])
    np.testing.assert_array_equal(keep_largest(mask, {1: 4}), mask)


def test_a_hole_may_hold_several_classes_and_is_open_at_the_frame_and_at_void() -> None:
    mask = np.ones((5, 15), np.uint8)
    mask[2, 1:3] = 0, 4
    mask[1, 6] = mask[0, 6] = 0
    mask[2, 8:10] = 0, 9
    mask[3, 12], mask[2, 13] = 0, 0
    found = fill_holes(mask, {1: 2}, void=9)
    assert (found[2, 1:3] == 1).all()
    np.testing.assert_array_equal(found[:, 3:11], mask[:, 3:11])
    assert (found[:, 11:] == 1).all()  # two holes of one pixel that touch at a corner
    assert (fill_holes(mask, {1: 1}, void=9, connectivity=4)[:, 11:] == mask[:, 11:]).all()  # one hole of two


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_layout_and_the_largest_ids(dtype: type[np.uint8] | type[np.uint16]) -> None:
    highest = np.iinfo(dtype).max
    mask = np.random.default_rng(0).integers(0, 3, (20, 30)).astype(dtype)
    mask[mask == 2] = highest
    expected = drop_specks(mask, 8)
    frozen = mask.copy()
    frozen.flags.writeable = False
    for given_ in (np.asfortranarray(mask), mask[::-1].copy()[::-1], frozen):
        np.testing.assert_array_equal(drop_specks(given_, 8), expected)
        np.testing.assert_array_equal(fill_holes(given_, 8), fill_holes(mask, 8))
    np.testing.assert_array_equal(expected, slow_specks(mask, dict.fromkeys([0, 1, int(highest)], 8), 8))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (1, 7), (0, 3, 3), (1, 1, 1)])
def test_empty_and_thin(shape: tuple[int, ...]) -> None:
    mask = np.zeros(shape, np.uint8)
    for cleaner in CLEANERS:
        expected = np.ones_like(mask) if cleaner is CLEANERS[1] and mask.size == 1 else mask
        np.testing.assert_array_equal(cleaner(mask, void=VOID), expected)


def test_a_thousand_specks_at_once() -> None:
    rng = np.random.default_rng(0)
    mask = np.kron(rng.integers(0, 5, (60, 60), dtype=np.uint8), np.ones((2, 2), np.uint8))
    mask[rng.random(mask.shape) < 0.1] = VOID
    for connectivity in (4, 8):
        found = drop_specks(mask, 40, void=VOID, connectivity=connectivity)
        for piece in pieces_of(found, connectivity):
            assert piece.sum() >= 40 or surrounding(found, piece, (1.0, 1.0)) is None


MASK = np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: drop_specks(MASK, -1), RecipeError, r"`least`: found -1\. Give a number of 0 or more"),
        (lambda: drop_specks(MASK, {3: float("nan")}), RecipeError, "found nan"),
        (lambda: fill_holes(MASK, {0: -2.5}), RecipeError, "`most`: found -2.5"),
        (lambda: keep_largest(MASK, 0), RecipeError, r"`count`: found 0\. Give a number of 1 or more"),
        (
            lambda: drop_specks(MASK, 1, spacing=(1, 1, 1)),
            ShapeError,
            "found 3 numbers, but the array has 2 axes.*pixel",
        ),
        (lambda: drop_specks(MASK[None], 1, spacing=(1, 1)), ShapeError, "Give depth, height and width of a voxel"),
        (lambda: drop_specks(MASK, 1, spacing=(1, 0)), RecipeError, "found 1, 0. Give positive numbers"),
        (lambda: fill_holes(MASK, 1, connectivity=26), ShapeError, "found 26, but the array has 2 axes.*of 4, 8"),
        (lambda: drop_specks(MASK, 1, to=256), RecipeError, "`to`: found 256.*from 0 to 255"),
        (lambda: keep_largest(MASK, 1, to=3, void=3), RecipeError, "`to`: found 3"),
        (lambda: drop_specks(MASK[None, None], 1), ShapeError, r"found uint8 \[1, 1, 4, 5\].*\[height, width\]"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
