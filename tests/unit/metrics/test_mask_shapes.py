"""Mask statistics against literal ones, and by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from intarsia.errors import DataError
from intarsia.metrics.mask_shapes import LATTICE, area_quantiles, block_size, count_mask, roughness
from intarsia.types import LabelMap

LABELS = LabelMap(("a", "b", "c"), ids=(0, 4, 300), ignore=9)
IDS = (0, 4, 300)


@given(seed=st.integers(0, 2**32), height=st.integers(1, 25), width=st.integers(1, 40), smooth=st.booleans())
def test_equals_literal_counts(seed: int, height: int, width: int, smooth: bool) -> None:
    rng = np.random.default_rng(seed)
    fields = rng.standard_normal((4, height, width))
    if smooth:
        fields = ndimage.gaussian_filter(fields, (0, 2, 2))
    mask = np.array([0, 4, 300, 9], np.uint16)[fields.argmax(axis=0)]
    counted, listed = count_mask(mask, LABELS)
    assert counted.pixels.tolist() == [(mask == i).sum() for i in (*IDS, 9)]
    assert counted.pictures.tolist() == [(mask == i).any() for i in IDS]
    assert counted.uniform[0] == (sum((mask == i).any() for i in IDS) <= 1)
    clean = mask.astype(np.int64)
    clean[mask == 9] = -1
    for k, i in enumerate(IDS):
        pieces, number = ndimage.label(mask == i, np.ones((3, 3)))
        areas = np.bincount(pieces.ravel())[1:]
        assert counted.pieces[k] == number
        assert counted.specks[k] == (areas < 10).sum()
        assert counted.speck_pixels[k] == areas[areas < 10].sum()
        assert sorted(listed[listed[:, 0] == k, 1].tolist()) == sorted(areas[areas >= 10].tolist())
        clean[np.isin(pieces, 1 + np.flatnonzero(areas < 10))] = -1
    assert counted.outline.tolist() == edges(clean)
    assert counted.smoothed_outline.tolist() == edges(smoothed(clean))
    assert 2 * counted.lattice.sum() == counted.outline.sum()


def edges(mask: np.ndarray) -> list[int]:
    found = dict.fromkeys(IDS, 0)
    for first, second in ((mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])):
        for one, other in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
            if one != other and -1 not in (one, other):
                found[one] += 1
                found[other] += 1
    return list(found.values())


def smoothed(mask: np.ndarray) -> np.ndarray:
    result = mask.copy()
    for y, x in np.ndindex(mask.shape):
        around = [v for v in mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].ravel().tolist() if v != -1]
        if mask[y, x] == -1 or not around:
            continue
        best = int(mask[y, x])
        for value in around:
            if around.count(value) > around.count(best):
                best = value
        result[y, x] = best
    return result


def disc(radius: float, size: int = 120) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] - size / 2
    return np.where(np.hypot(rows, columns) < radius, 4, 0).astype(np.uint8)


def test_a_smooth_outline_is_not_ragged_and_a_shaken_one_is() -> None:
    rng = np.random.default_rng(0)
    assert np.nanmax(roughness(count_mask(disc(40.3), LABELS)[0])) < 0.03
    mask = disc(40.3)
    y, x = np.clip(np.mgrid[:120, :120] + rng.integers(-1, 2, (2, 120, 120)), 0, 119)
    assert np.nanmin(roughness(count_mask(mask[y, x], LABELS)[0])[:2]) > 0.33


@pytest.mark.parametrize("turn", [0, 30, 45])
def test_straight_outlines_are_not_ragged_in_any_direction(turn: int) -> None:
    rows, columns = np.mgrid[:90, :90]
    side = rows * np.cos(np.radians(turn)) + columns * np.sin(np.radians(turn)) > 50
    assert np.nanmax(roughness(count_mask(np.where(side, 4, 0).astype(np.uint8), LABELS)[0])) < 0.05


def test_without_an_outline_roughness_is_undefined() -> None:
    assert np.isnan(roughness(count_mask(np.zeros((5, 5), np.uint8), LABELS)[0])).all()


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32])
def test_blocks_are_told_from_masks_at_full_size(size: int) -> None:
    small = count_mask(disc(22.2, 64), LABELS)[0]
    assert block_size(small) == 1
    assert block_size(count_mask(np.kron(disc(22.2, 64), np.ones((size, size), np.uint8)), LABELS)[0]) == size
    assert small.lattice.shape == (LATTICE,)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]))
def test_quantiles_are_sizes_of_pieces_and_exact(sizes: list[int], quantile: float) -> None:
    expected = np.quantile(sizes, quantile, method="inverted_cdf")
    assert area_quantiles(Counter(sizes), [quantile]) == [expected]
    assert area_quantiles({}, [0.1, 0.5]) == [None, None]


def test_unknown_ids_are_refused() -> None:
    with pytest.raises(DataError, match="holds the id 7"):
        count_mask(np.full((4, 4), 7, np.uint8), LABELS)
