from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from intarsia.errors import RecipeError
from intarsia.nn.upsampling import UpsamplingBlock, upsampling_layer


@pytest.mark.parametrize("kind", ["bilinear", "nearest", "transposed"])
def test_upsampling_doubles_the_size_and_changes_the_channels(kind: str) -> None:
    assert upsampling_layer(kind, 6, 3)(torch.rand(2, 6, 4, 5)).shape == (2, 3, 8, 10)


@pytest.mark.parametrize("kind", ["bilinear", "nearest"])
def test_convolving_before_resizing_gives_what_convolving_after_it_does(kind: str) -> None:
    layer = upsampling_layer(kind, 6, 3)
    assert isinstance(layer, nn.Sequential)
    features = torch.rand(2, 6, 4, 5)
    after = layer[0](functional.interpolate(features, scale_factor=2, mode=kind))
    torch.testing.assert_close(layer(features), after)


def test_resizing_alone_needs_no_parameters() -> None:
    assert list(upsampling_layer("nearest", 6, 6).parameters()) == []


def test_an_unknown_upsampling_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"argument `upsampling`: found 'bilnear'. Did you mean 'bilinear'\?"):
        upsampling_layer("bilnear", 6, 3)


def test_a_block_takes_any_number_of_features_beside_the_upsampled_ones() -> None:
    coarse, beside = torch.rand(2, 6, 4, 5), [torch.rand(2, 3, 8, 10), torch.rand(2, 1, 8, 10)]
    alone = UpsamplingBlock(upsampling_layer("nearest", 6, 6), 6, 5, "batch")
    merging = UpsamplingBlock(upsampling_layer("nearest", 6, 6), 10, 5, "batch")
    assert alone(coarse).shape == merging(coarse, *beside).shape == (2, 5, 8, 10)
