"""The counting loops: compiled, as plain Python, and where machine code cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import pytest

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


def test_the_uint8_loop_counts_alike_compiled_and_as_python() -> None:
    truth, predicted = masks(np.uint8)
    lanes = np.zeros((kernels.LANES, kernels.JOINT), np.uint32)
    kernels._count_words(truth.view(np.uint64), predicted.view(np.uint64), lanes)
    counts = kernels.count_pairs_uint8(truth, predicted)[:, : kernels.JOINT]
    np.testing.assert_array_equal(counts, lanes)
    expected = np.bincount(truth.astype(int) * 256 + predicted, minlength=kernels.JOINT)
    np.testing.assert_array_equal(counts.sum(axis=0), expected)


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
    assert kernels.count_pairs_uint8(truth, predicted).sum() == truth.size
