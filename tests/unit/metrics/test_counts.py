"""Additive counts, whatever their dataclass."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from intarsia.metrics import counts


@dataclass(frozen=True, eq=False)
class Tally:
    """Two arrays and two settings, as any room may count."""

    cells: np.ndarray
    marks: np.ndarray
    step: float
    names: tuple[str, ...]


def tally(seed: int, step: float = 0.5) -> Tally:
    rng = np.random.default_rng(seed)
    return Tally(rng.integers(0, 3, (2, 3)), rng.integers(0, 9, 4), step, ("a", "b"))


def test_pictures_stack_and_add_up() -> None:
    pictures = [tally(0), tally(1), tally(2)]
    stacked = counts.stack(pictures)
    assert stacked.cells.shape == (3, 2, 3)
    np.testing.assert_array_equal(counts.total(stacked).cells, sum(picture.cells for picture in pictures))
    np.testing.assert_array_equal(counts.select(stacked, 1).marks, pictures[1].marks)
    assert (stacked.step, stacked.names) == (0.5, ("a", "b"))


def test_pictures_counted_differently_do_not_stack() -> None:
    with pytest.raises(AssertionError, match="not counted in the same way"):
        counts.stack([tally(0), tally(1, step=0.25)])


def test_flat_sums_come_back_in_their_shapes() -> None:
    stacked = counts.stack([tally(0), tally(1), tally(2)])
    flat = counts.flatten(stacked)
    assert flat.shape == (3, 2 * 3 + 4)
    sums = counts.unflatten(stacked, np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]) @ flat)
    np.testing.assert_array_equal(sums.cells[0], stacked.cells[0] + 2 * stacked.cells[2])
    np.testing.assert_array_equal(sums.marks[1], stacked.marks[1])


def test_the_json_form_reads_back() -> None:
    for value in (counts.stack([tally(0), tally(1)]), tally(3)):
        again = counts.from_plain(Tally, json.loads(json.dumps(counts.to_plain(value))))
        np.testing.assert_array_equal(again.cells, value.cells)
        np.testing.assert_array_equal(again.marks, value.marks)
        assert again.cells.dtype == value.cells.dtype
        assert (again.step, again.names) == (value.step, value.names)
