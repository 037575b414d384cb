import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.train.module import warmup_cosine


@given(st.integers(0, 50), st.integers(51, 500))
def test_schedule_rises_then_falls_and_stays_in_range(warmup: int, steps: int) -> None:
    shares = [warmup_cosine(step, warmup, steps) for step in range(steps + 1)]
    assert all(0 <= share <= 1 for share in shares)
    assert shares[: warmup + 1] == sorted(shares[: warmup + 1])
    assert shares[warmup:] == sorted(shares[warmup:], reverse=True)
    assert shares[warmup] == 1
    assert shares[-1] == pytest.approx(0, abs=1e-12)


def test_half_way_down_is_half() -> None:
    assert warmup_cosine(60, 20, 100) == pytest.approx(0.5)
