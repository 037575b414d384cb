"""Risk over coverage: hand-worked answers, a literal reference, and the limits every order keeps to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.metrics.selective import area_under_risk_coverage, selective_risk

LOSSES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array)


def test_a_hand_worked_answer() -> None:
    sizes, losses = np.ones(4), np.array([0.0, 0.2, 0.1, 0.5])
    assert selective_risk(sizes, losses, 0.5) == pytest.approx(0.1)
    assert selective_risk(sizes, losses, 1.0) == pytest.approx(0.2)
    assert selective_risk(sizes, losses, 0.625) == pytest.approx((0.2 + 0.5 * 0.1) / 2.5)
    assert area_under_risk_coverage(sizes, losses) == pytest.approx((0 + 0.1 + 0.1 + 0.2) / 4)


@given(LOSSES)
def test_the_area_is_the_mean_of_the_risks(losses: np.ndarray) -> None:
    count = len(losses)
    risks = [losses[:kept].mean() for kept in range(1, count + 1)]
    sizes = np.ones(count, np.int64)
    assert area_under_risk_coverage(sizes, losses) == pytest.approx(np.mean(risks), abs=1e-12)
    found = [float(selective_risk(sizes, losses, kept / count)) for kept in range(1, count + 1)]
    np.testing.assert_allclose(found, risks, atol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=5).map(np.array), st.integers(1, 2))
def test_a_block_is_the_mean_over_the_orders_of_its_members(losses: np.ndarray, before: int) -> None:
    """Two or three equal units after ``before`` others, and one after them."""
    block = losses[before:-1]
    orders = [[*losses[:before], *order, losses[-1]] for order in itertools.permutations(block)]
    areas = [area_under_risk_coverage(np.ones(len(losses)), np.array(order)) for order in orders]
    sizes = np.array([*[1] * before, len(block), 1])
    merged = np.array([*losses[:before], block.sum(), losses[-1]])
    assert area_under_risk_coverage(sizes, merged) == pytest.approx(np.mean(areas), abs=1e-12)


@given(LOSSES, st.integers(0, 2**32))
def test_no_order_is_better_than_the_ideal_and_random_ones_have_the_mean(losses: np.ndarray, seed: int) -> None:
    ones = np.ones(len(losses))
    ideal = area_under_risk_coverage(ones, np.sort(losses))
    shuffled = area_under_risk_coverage(ones, np.random.default_rng(seed).permutation(losses))
    assert ideal <= shuffled + 1e-12
    if len(losses) <= 5:
        every = [area_under_risk_coverage(ones, np.array(order)) for order in itertools.permutations(losses)]
        assert np.mean(every) == pytest.approx(losses.mean(), abs=1e-12)
    # All in one block is a random order.
    assert area_under_risk_coverage(np.array([len(losses)]), losses.sum(keepdims=True)) == pytest.approx(losses.mean())


def test_empty_blocks_change_nothing_and_many_are_done_at_once() -> None:
    sizes, losses = np.array([[2, 0, 3], [0, 0, 0]]), np.array([[1, 0, 2], [0, 0, 0]])
    areas = area_under_risk_coverage(sizes, losses)
    assert areas[0] == pytest.approx(float(area_under_risk_coverage(sizes[0, ::2], losses[0, ::2])))
    assert np.isnan(areas[1])
    np.testing.assert_array_equal(selective_risk(sizes, losses, 1.0), [3 / 5, np.nan])


def test_a_gigapixel_keeps_its_digits() -> None:
    sizes = np.full(1000, 10**7)
    losses = np.linspace(0, 1, 1000) * sizes
    # Over so many units the sum is the integral of x/2 over [0, 1].
    assert area_under_risk_coverage(sizes, losses) == pytest.approx(0.25, rel=2e-3)
