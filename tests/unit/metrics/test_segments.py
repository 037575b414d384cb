"""Joint counts of segment ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from intarsia.errors import ShapeError
from intarsia.metrics import segments
from intarsia.metrics.segments import count_segment_pairs
from intarsia.metrics.undefined import ratio

IDS = st.sampled_from([0, 1, 2, 255, 65535])


def counted(truth: np.ndarray, predicted: np.ndarray) -> dict[tuple[int, int], int]:
    pairs = count_segment_pairs(truth, predicted)
    keys = list(zip(pairs.truth.tolist(), pairs.predicted.tolist(), strict=True))
    assert keys == sorted(set(keys))
    return dict(zip(keys, pairs.pixels.tolist(), strict=True))


def literal(truth: np.ndarray, predicted: np.ndarray) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for pair in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
        found[pair] = found.get(pair, 0) + 1
    return found


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
        lambda size: st.tuples(*[arrays.arrays(np.uint16, size, elements=IDS)] * 2)
    ),
    st.sampled_from([np.uint16, np.uint32, np.int32]),
    st.booleans(),
)
def test_pairs_are_counted_whatever_their_dtype_and_layout(
    maps: tuple[np.ndarray, np.ndarray], dtype: type[np.integer], turned: bool
) -> None:
    truth, predicted = maps[0], maps[1].astype(dtype)
    if turned:
        truth, predicted = truth.T, predicted.T
    assert counted(truth, predicted) == literal(truth, predicted)


def test_every_pixel_may_be_a_pair_of_its_own() -> None:
    ids = np.arange(90 * 100, dtype=np.uint32).reshape(90, 100) * 1864135
    assert counted(ids, ids[::-1]) == literal(ids, ids[::-1])


def test_ids_of_all_32_bits_are_told_apart() -> None:
    ids = np.array([[0, 1, 2**31, 2**32 - 1]], np.uint32)
    assert counted(ids, ids[:, ::-1]) == literal(ids, ids[:, ::-1])


def test_the_loop_counts_alike_compiled_and_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.random.default_rng(0).integers(0, 40, (40, 50)).astype(np.uint32)
    compiled = counted(truth, truth.T.reshape(40, 50))
    for name in ("_fill", "_add", "_move", "_slot"):
        monkeypatch.setattr(segments, name, getattr(getattr(segments, name), "py_func", getattr(segments, name)))
    with np.errstate(over="ignore"):  # the hash wraps around, as it does in machine code
        assert counted(truth, truth.T.reshape(40, 50)) == compiled


def test_an_empty_map_has_no_pairs() -> None:
    assert counted(np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8)) == {}


def test_sizes_and_dtypes_are_checked() -> None:
    ids = np.zeros((4, 5), np.uint8)
    with pytest.raises(ShapeError, match=r"^here: the truth is 5×4 pixels and the prediction 5×3.*at its own size"):
        count_segment_pairs(ids, ids[:3], "here")
    for wrong in (ids.astype(np.float32), ids.astype(np.int64), ids[None]):
        with pytest.raises(ShapeError, match=r"the prediction is .*whole numbers of at most 32 bits"):
            count_segment_pairs(ids, wrong)


def test_a_ratio_over_zero_is_undefined() -> None:
    np.testing.assert_array_equal(ratio(np.array([1, 0, 3]), np.array([2, 0, 0])), [0.5, np.nan, np.nan])
