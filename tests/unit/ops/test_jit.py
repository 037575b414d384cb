"""Compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import no_type_check

import numba
import numpy as np
import pytest

from intarsia.ops.jit import jit


@no_type_check
def squares(values, out):
    for at in range(values.size):
        out[at] = values[at] ** 2


def test_a_loop_compiles_and_computes() -> None:
    values, out = np.arange(5.0), np.empty(5)
    jit(squares)(values, out)
    np.testing.assert_array_equal(out, values**2)


def test_without_a_folder_for_machine_code_it_compiles_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    njit: Callable[..., object] = numba.njit

    def nowhere(signature: object, **options: bool) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(signature, **options)

    monkeypatch.setattr(numba, "njit", nowhere)
    out = np.empty(3)
    jit(squares)(np.arange(3.0), out)
    assert out.tolist() == [0, 1, 4]
    assert not list(Path(__file__).parent.glob("*.nbi"))
