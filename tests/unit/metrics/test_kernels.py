"""The counting loops beside numpy, and where machine code cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.metrics import kernels
from intarsia.types import LabelMap


@pytest.fixture
def _compile_anew() -> Iterator[None]:
    kernels._compiled.cache_clear()
    yield
    kernels._compiled.cache_clear()


def masks(dtype: type[np.unsignedinteger]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    flat = np.repeat(rng.integers(0, 255, 10), 64)  # every second block of 32 pixels is flat
    flat[::64] += 1
    return flat.astype(dtype), np.roll(flat, 70).astype(dtype)


EVERY = np.arange(256, dtype=np.uint8)


def expected_counts(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    joint: np.ndarray = np.bincount(truth.astype(int) * 256 + predicted, minlength=256 * 256).reshape(256, 256)
    return joint


@pytest.mark.parametrize("size", [0, 1, 7, 63, 64, 65, 640])
def test_uint8_pairs_of_regions_are_counted(size: int) -> None:
    truth, predicted = (mask[:size] for mask in masks(np.uint8))
    np.testing.assert_array_equal(kernels.count_pairs_uint8(truth, predicted, EVERY), expected_counts(truth, predicted))


@given(st.integers(0, 2**32), st.integers(1, 256), st.integers(1, 40))
@settings(max_examples=60)
def test_uint8_pairs_are_counted_whatever_their_runs(seed: int, values: int, run: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = (np.repeat(rng.integers(0, values, 400, dtype=np.uint8), run)[:1000] for _ in range(2))
    odd = truth[1:], predicted[: truth.size - 1]  # at odd addresses
    some = rng.permutation(EVERY)[: rng.integers(1, 257)]
    for pair in ((truth, predicted), odd):
        counts = kernels.count_pairs_uint8(*pair, some)
        np.testing.assert_array_equal(counts, expected_counts(*pair)[np.ix_(some, some)])


def test_values_that_were_not_asked_for_leave_nothing_behind() -> None:
    truth, predicted = masks(np.uint8)
    kernels.count_pairs_uint8(truth, predicted, EVERY[:3])
    np.testing.assert_array_equal(kernels.count_pairs_uint8(truth, predicted, EVERY), expected_counts(truth, predicted))


def test_threads_count_side_by_side() -> None:
    rng = np.random.default_rng(0)
    pairs = list(rng.integers(0, 9, (40, 2, 30_000), dtype=np.uint8))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: kernels.count_pairs_uint8(pair[0], pair[1], EVERY), pairs))
    for counts, pair in zip(found, pairs, strict=True):
        np.testing.assert_array_equal(counts, expected_counts(pair[0], pair[1]))


def test_the_uint16_loop_counts_alike_compiled_and_as_python() -> None:
    truth, predicted = masks(np.uint16)
    lookup = LabelMap(tuple(str(i) for i in range(100))).index_of_id
    lanes = np.zeros((kernels.LANES, 102, 102), np.int64)
    kernels._count_lookups(truth, predicted, lookup, lanes)
    counts = kernels.count_pairs_uint16(truth, predicted, lookup)
    np.testing.assert_array_equal(counts, lanes)
    expected = np.zeros((102, 102), np.int64)
    np.add.at(expected, (lookup[truth], lookup[predicted]), 1)
    np.testing.assert_array_equal(counts.sum(axis=0), expected)


@pytest.mark.usefixtures("_compile_anew")
def test_machine_code_that_cannot_be_kept_is_compiled_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def njit(signature: Any, nogil: bool, cache: bool = False) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(signature, nogil=nogil)

    monkeypatch.setattr(numba, "njit", njit)
    truth, predicted = masks(np.uint8)
    assert kernels.count_pairs_uint8(truth, predicted, EVERY).sum() == truth.size
