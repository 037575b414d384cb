from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.losses.matching import match


@given(queries=st.integers(1, 5), targets=st.integers(0, 4), seed=st.integers(0, 1000))
def test_no_other_pairing_costs_less(queries: int, targets: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    costs = torch.randn(2, queries, targets, generator=generator)
    present = torch.rand(2, targets, generator=generator) < 0.7
    pictures, chosen, matched = match(costs, present)
    for picture in (0, 1):
        mine = pictures == picture
        columns = present[picture].nonzero()[:, 0].tolist()
        assert len(set(chosen[mine].tolist())) == int(mine.sum()) == min(queries, len(columns))
        assert set(matched[mine].tolist()) <= set(columns)
        table = costs[picture]
        fewer, more = sorted((range(queries), columns), key=len)
        least = min(
            sum(
                float(table[q, t] if fewer == range(queries) else table[t, q])
                for q, t in zip(fewer, order, strict=True)
            )
            for order in permutations(more, len(fewer))
        )
        assert float(table[chosen[mine], matched[mine]].sum()) == pytest.approx(least, abs=1e-5)


def test_by_hand() -> None:
    costs = torch.tensor([[[0.0, 1.0], [0.5, 9.0], [9.0, 9.0]]])
    pictures, queries, targets = match(costs, torch.tensor([[True, True]]))
    # The first query is the best for both targets; it goes where it saves most.
    assert (pictures.tolist(), queries.tolist(), targets.tolist()) == ([0, 0], [0, 1], [1, 0])
    assert match(costs, torch.tensor([[False, True]]))[1].tolist() == [0]


def test_pictures_without_targets_have_no_pairs() -> None:
    for indices in match(torch.randn(2, 3, 4), torch.zeros(2, 4, dtype=torch.bool)):
        assert indices.shape == (0,)
        assert indices.dtype == torch.int64


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_is_met_first(broken: float) -> None:
    costs = torch.full((1, 3, 1), -5.0)
    costs[0, 1] = broken
    assert match(costs, torch.tensor([[True]]))[1].tolist() == [1]
