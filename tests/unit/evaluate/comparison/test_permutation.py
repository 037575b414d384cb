"""The swap test against all swaps by hand, its edges, and Holm's correction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from jaxtyping import Float64

from intarsia.evaluate.comparison import permutation
from intarsia.evaluate.comparison.permutation import holm, swap_test
from intarsia.metrics import ClassCounts, class_counts, iou, mean_iou


def counts(images: int, seed: int, bias: int = 0) -> ClassCounts:
    confusion = np.random.default_rng(seed).integers(0, 20, (images, 4, 4))
    return class_counts(confusion + bias * np.eye(4, dtype=np.int64))


def figures(of: ClassCounts) -> Float64[np.ndarray, "sets figures"]:
    return np.concatenate([mean_iou(of)[:, None], iou(of)], axis=1)


def of_pictures(of: ClassCounts, chosen: list[int]) -> ClassCounts:
    return ClassCounts(of.hits[chosen], of.true[chosen], of.predicted[chosen])


def literal_p(a: ClassCounts, b: ClassCounts, groups: list[str]) -> np.ndarray:
    names = sorted(set(groups))

    def difference(swapped: tuple[bool, ...]) -> np.ndarray:
        of_a: list[np.ndarray] = []
        of_b: list[np.ndarray] = []
        for i, group in enumerate(groups):
            sides = (b, a) if swapped[names.index(group)] else (a, b)
            for into, side in zip((of_a, of_b), sides, strict=True):
                into.append(np.stack([side.hits[i], side.true[i], side.predicted[i]]))
        first, second = (np.sum(rows, axis=0)[:, None] for rows in (of_a, of_b))
        change = figures(ClassCounts(second[0], second[1], second[2])) - figures(
            ClassCounts(first[0], first[1], first[2])
        )
        return np.asarray(change[0])

    swaps = list(itertools.product((False, True), repeat=len(names)))
    observed = np.abs(difference(swaps[0]))
    return np.asarray(np.mean([np.abs(difference(swap)) >= observed - 1e-12 for swap in swaps], axis=0))


@pytest.mark.parametrize("groups", [list("abcdefg"), list("aabbcdd")])
def test_few_groups_try_every_swap(groups: list[str]) -> None:
    a, b = counts(7, seed=0), counts(7, seed=1, bias=4)
    np.testing.assert_allclose(swap_test(a, b, groups, figures), literal_p(a, b, groups))


def test_random_swaps_come_close_to_all_of_them() -> None:
    a, b, groups = counts(11, seed=2), counts(11, seed=3, bias=2), [str(i) for i in range(11)]
    exact, drawn = (swap_test(a, b, groups, figures, swaps=swaps) for swaps in (2048, 2047))
    np.testing.assert_allclose(drawn, exact, atol=0.05)
    assert not np.array_equal(exact, drawn)


def test_a_random_p_is_never_zero() -> None:
    a = class_counts(np.full((40, 3, 3), 10))
    b = class_counts(np.full((40, 3, 3), 10) + 90 * np.eye(3, dtype=np.int64))
    assert swap_test(a, b, [str(i) for i in range(40)], figures, swaps=99).tolist() == [0.01] * 3


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, groups = counts(20, seed=4), counts(20, seed=5), [str(i) for i in range(20)]
    whole = swap_test(a, b, groups, figures, swaps=300)
    monkeypatch.setattr(permutation, "_CHUNK", 1000)
    np.testing.assert_array_equal(swap_test(a, b, groups, figures, swaps=300), whole)


def test_equal_models_have_p_1_and_an_absent_class_none() -> None:
    confusion = np.zeros((6, 4, 4), np.int64)
    confusion[:, 0, 0], confusion[:, 0, 1] = 9, 1  # class 1 is predicted by both and never true, class 2 is absent
    of = class_counts(confusion)
    np.testing.assert_array_equal(swap_test(of, of, list("abcdef"), figures), [1, 1, 1, np.nan])


def test_one_group_has_no_p() -> None:
    assert np.isnan(swap_test(counts(3, 0), counts(3, 1), ["g"] * 3, figures)).all()


def test_holm_by_hand() -> None:
    p = np.array([0.04, np.nan, 0.01, 0.03, 0.9])
    np.testing.assert_allclose(holm(p), [0.09, np.nan, 0.04, 0.09, 0.9])
    np.testing.assert_array_equal(holm(np.array([0.6, 0.7])), [1, 1])
    assert np.isnan(holm(np.full(3, np.nan))).all()


def test_models_that_differ_by_chance_alone_give_every_p_equally_often() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        hits = rng.binomial(100, rng.beta(8, 2, (24, 1)), (24, 2))  # hard and easy pictures, two equally good models
        sides = []
        for side in hits.T:
            confusion = np.zeros((24, 3, 3), np.int64)
            confusion[:, 0, 0], confusion[:, 0, 1] = side, 100 - side
            sides.append(class_counts(confusion))
        found.append(
            swap_test(sides[0], sides[1], [str(i) for i in range(24)], lambda of: iou(of)[:, :1], swaps=399)[0]
        )
    for level in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=0.06)
