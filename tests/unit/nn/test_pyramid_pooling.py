from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from intarsia.nn.pyramid_pooling import PyramidPooling, interval_weights, region_means

_sizes = st.integers(1, 40)
_counts = st.integers(1, 9)


@given(height=_sizes, width=_sizes, count=_counts, dtype=st.sampled_from([torch.float32, torch.float64]))
def test_region_means_are_pytorchs_adaptive_average(height: int, width: int, count: int, dtype: torch.dtype) -> None:
    features = torch.randn(2, 3, height, width, dtype=dtype)
    expected = functional.adaptive_avg_pool2d(features, count)
    torch.testing.assert_close(region_means(features, count), expected, rtol=1e-5, atol=1e-6)


@given(length=_sizes, count=_counts)
def test_every_value_counts_and_every_interval_is_a_mean(length: int, count: int) -> None:
    weights = interval_weights(length, count, torch.empty(0, dtype=torch.float64))
    assert weights.dtype == torch.float64
    assert (weights.sum(dim=0) > 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(count, dtype=torch.float64))


def test_an_interval_by_hand() -> None:
    # Seven values in three intervals: 0–2, 2–4 and 4–6; the values 2 and 4 belong to two each.
    third = 1 / 3
    expected = [
        [third, third, third, 0, 0, 0, 0],
        [0, 0, third, third, third, 0, 0],
        [0, 0, 0, 0, third, third, third],
    ]
    torch.testing.assert_close(interval_weights(7, 3, torch.empty(0)), torch.tensor(expected))


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (5, 7), (6, 6), (13, 4)], ids=str)
def test_every_level_has_the_features_size(size: tuple[int, int], align_corners: bool) -> None:
    pooling = PyramidPooling(8, 2, align_corners=align_corners)
    features = torch.randn(1, 8, *size, requires_grad=True)
    levels = pooling.train()(features)  # a batch of one, whose coarsest level has one value a channel
    assert [level.shape for level in levels] == [(1, 2, *size)] * 4
    torch.autograd.backward(torch.stack(levels).square().sum())
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_the_level_of_one_region_is_the_same_everywhere() -> None:
    coarsest, *_ = PyramidPooling(4, 3).eval()(torch.randn(2, 4, 5, 6))
    torch.testing.assert_close(coarsest, coarsest[..., :1, :1].expand_as(coarsest))


def test_normalization_of_the_single_region_can_be_left_out() -> None:
    with_norm, without = PyramidPooling(4, 2), PyramidPooling(4, 2, normalized_single=False)
    norms = [[any(isinstance(part, nn.BatchNorm2d) for part in level.modules()) for level in with_norm.levels]]
    norms.append([any(isinstance(part, nn.BatchNorm2d) for part in level.modules()) for level in without.levels])
    assert norms == [[True] * 4, [False, True, True, True]]


def test_bins_are_an_argument() -> None:
    pooling = PyramidPooling(4, 2, bins=(2, 5)).eval()
    assert [level.shape for level in pooling(torch.randn(1, 4, 9, 3))] == [(1, 2, 9, 3)] * 2
