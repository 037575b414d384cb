from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from intarsia.errors import RecipeError
from intarsia.nn.aspp import ASPP, aspp_rates


@pytest.mark.parametrize(("output_stride", "rates"), [(16, (6, 12, 18)), (8, (12, 24, 36))])
def test_rates_reach_as_far_in_the_image_at_either_output_stride(output_stride: int, rates: tuple[int, ...]) -> None:
    assert aspp_rates(output_stride) == rates


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 5), (40, 7)], ids=str)
def test_features_of_any_size_keep_it_and_train_alone(size: tuple[int, int], separable: bool) -> None:
    aspp = ASPP(6, 8, (6, 12, 18), separable=separable).train()
    pyramid = aspp(torch.randn(1, 6, *size))
    assert pyramid.shape == (1, 8, *size)
    pyramid.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in aspp.parameters())


def test_each_branch_looks_as_far_as_its_rate() -> None:
    aspp: Any = ASPP(1, 4, (2, 3, 5)).eval()
    features = torch.zeros(1, 1, 15, 15)
    features[..., 7, 7] = 1
    for branch, rate in zip(aspp.branches[:-1], (0, 2, 3, 5), strict=True):
        places = branch[0](features).abs().sum(dim=(0, 1)).nonzero()
        assert {abs(int(place) - 7) for place in places.flatten()} == {0, rate}
    mean = aspp.branches[-1](features)
    assert mean.shape == (1, 4, 15, 15)
    torch.testing.assert_close(mean, mean[..., :1, :1].expand_as(mean))


def test_a_rate_wider_than_the_features_leaves_a_1x1_convolution() -> None:
    aspp: Any = ASPP(3, 4, (6,)).eval()
    conv = aspp.branches[1][0]
    features = torch.randn(1, 3, 6, 6)
    torch.testing.assert_close(
        conv(features), nn.functional.conv2d(features, conv.weight[:, :, 1:2, 1:2]), rtol=1e-4, atol=1e-5
    )


def test_parameters_are_as_many_as_counted_by_hand() -> None:
    def count(**settings: Any) -> int:
        return sum(parameter.numel() for parameter in ASPP(32, 16, (6, 12, 18), **settings).parameters())

    norms = 6 * 2 * 16
    around = 2 * 32 * 16 + 5 * 16 * 16 + norms
    assert count() == around + 3 * 9 * 32 * 16
    assert count(separable=True) == around + 3 * (9 * 32 + 32 * 16)


def test_dropout_acts_in_training_alone() -> None:
    aspp = ASPP(4, 8, (1,), dropout=0.9)
    features = torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(aspp.eval()(features), aspp(features))
    assert (aspp.train()(features) == 0).float().mean() > 0.85


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rates": (6, 0)}, r"argument `rates`: found 0\. Give a whole number"),
        ({"dropout": 1.0}, r"argument `dropout`: found 1\.0\. Give a number from 0 to below 1"),
        ({"rates": ()}, r"argument `rates`: found no dilation\. Give one or more, or leave it out"),
        ({"dropout": -0.1}, r"argument `dropout`: found -0\.1"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        ASPP(4, 8, **{"rates": (6,), **arguments})
