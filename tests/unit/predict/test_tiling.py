from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import RecipeError
from intarsia.nn.receptive_field import Margin
from intarsia.ops.window import WINDOW_KINDS
from intarsia.predict.tiling import Block, Span, blended_tiling, blocks, exact_tiling, within

LENGTHS = st.integers(1, 400)


def total(spans: tuple[Span, ...], length: int) -> np.ndarray:
    weights = np.zeros(length)
    for span in spans:
        weights[span.first : span.last] += span.weights
    return weights


@given(LENGTHS, LENGTHS, st.integers(1, 100), st.floats(0, 0.9), st.sampled_from(WINDOW_KINDS))
def test_blended_weights_of_a_pixel_sum_to_one(height: int, width: int, tile: int, overlap: float, kind: str) -> None:
    tiling = blended_tiling((height, width), tile, overlap, kind)  # type: ignore[arg-type] # sampled as text
    assert tiling.size == (height, width)
    for spans, length in ((tiling.rows, height), (tiling.columns, width)):
        assert np.allclose(total(spans, length), 1, atol=1e-5)
        for span in spans:
            assert span.start <= span.first < span.last <= span.start + span.length
            assert span.length == min(tile, length)


@given(LENGTHS, LENGTHS, st.integers(1, 5), st.integers(0, 40), st.integers(0, 40), st.integers(0, 100))
def test_every_pixel_of_an_exact_tiling_sees_all_it_depends_on(
    height: int, width: int, stride: int, before: int, after: int, more: int
) -> None:
    tile = before + after + 3 * stride + more
    tiling = exact_tiling((height, width), tile, Margin(before, after), stride)
    for spans, length in ((tiling.rows, height), (tiling.columns, width)):
        assert (total(spans, length) == 1).all()
        for span in spans:
            end = span.start + span.length
            assert span.start % stride == 0
            assert 0 <= span.start < end <= length
            assert span.start == 0 or span.first - before >= span.start
            assert end == length or span.last - 1 + after < end


def test_a_tile_too_small_for_the_margin_is_refused_with_one_that_is_not() -> None:
    with pytest.raises(RecipeError, match="Take tiles of 96 pixels or more") as refusal:
        exact_tiling((500, 90), 64, Margin(30, 30), 32)
    assert "30 pixels before and 30 after it" in str(refusal.value)
    assert len(exact_tiling((500, 90), 96, Margin(30, 30), 32).rows) > 1


def test_an_overlap_of_a_whole_tile_is_refused() -> None:
    with pytest.raises(RecipeError, match="an overlap of 1 of a tile is not possible"):
        blended_tiling((10, 10), 5, 1.0)


@given(LENGTHS, LENGTHS, st.integers(1, 60), st.floats(0, 0.9), st.integers(1, 300), st.booleans())
def test_blocks_cover_every_pixel_once(
    height: int, width: int, tile: int, overlap: float, side: int, exact: bool
) -> None:
    margin = Margin(tile, tile)
    size = (height, width)
    tiling = exact_tiling(size, 4 * tile, margin, 1) if exact else blended_tiling(size, tile, overlap)
    covered = np.zeros((height, width), np.int64)
    for block in blocks(tiling, side):
        covered[block.top : block.top + block.height, block.left : block.left + block.width] += 1
        for spans, length in ((tiling.rows, block.height), (tiling.columns, block.width)):
            largest = max(len(span.weights) for span in spans)
            assert length <= max(side, largest + 1)
    assert (covered == 1).all()


def test_blocks_end_where_few_tiles_are_made_twice() -> None:
    exact = exact_tiling((1, 400), 60, Margin(10, 10), 1)
    ends = {block.left for block in blocks(exact, 100)}
    assert ends - {0} <= {span.first for span in exact.columns}
    blended = blended_tiling((1, 400), 40, 0.25)
    cut = [within(blended.columns, block.left, block.left + block.width) for block in blocks(blended, 100)]
    assert sum(map(len, cut)) == len(blended.columns) + len(cut) - 1


@given(LENGTHS, st.integers(1, 60), st.floats(0, 0.9), st.data())
def test_what_is_within_a_block_is_what_its_pixels_take(
    length: int, tile: int, overlap: float, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first + 1, length))
    spans = blended_tiling((length, 1), tile, overlap).rows
    cut = within(spans, first, last)
    assert np.allclose(total(cut, length)[first:last], 1, atol=1e-5)
    assert all(first <= span.first < span.last <= last for span in cut)


def test_a_block_is_named_by_its_corner() -> None:
    assert Block(512, 0, 10, 10).name == "y512-x0"
