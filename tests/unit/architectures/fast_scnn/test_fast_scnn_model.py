from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from intarsia.architectures.fast_scnn import build
from intarsia.architectures.fast_scnn.decoder import FeatureFusion
from intarsia.architectures.fast_scnn.encoder import FastSCNNEncoder, inverted_residual
from intarsia.errors import ModelFileError, RecipeError
from intarsia.nn.residual import Residual


def test_sizes_are_those_of_the_papers_first_table() -> None:
    with torch.device("meta"):
        encoder = FastSCNNEncoder(3)
        features, sizes = torch.empty(1, 3, 1024, 2048), []
        for layer in (*encoder.downsample, *encoder.bottlenecks):
            features = layer(features)
            sizes.append(tuple(features.shape[1:]))
        fine, coarse = encoder(torch.empty(1, 3, 1024, 2048))
    assert sizes[:3] == [(32, 512, 1024), (48, 256, 512), (64, 128, 256)]
    assert sizes[3:] == [(64, 64, 128)] * 3 + [(96, 32, 64)] * 3 + [(128, 32, 64)] * 3
    assert [tuple(fine.shape[1:]), tuple(coarse.shape[1:])] == [(64, 128, 256), (128, 32, 64)]


def test_a_bottleneck_has_a_shortcut_where_its_shape_stays() -> None:
    assert isinstance(inverted_residual(4, 4, stride=1), Residual)
    assert not isinstance(inverted_residual(4, 4, stride=2), Residual)
    assert not isinstance(inverted_residual(4, 6, stride=1), Residual)


def test_branches_are_added_before_their_relu_and_the_coarse_one_is_seen_from_cell_to_cell() -> None:
    torch.manual_seed(0)
    fusion: Any = FeatureFusion(3, 4, factor=4).eval()
    assert fusion.coarse[0][0].dilation == (4, 4)
    fine, coarse = torch.randn(2, 3, 8, 12), torch.randn(2, 4, 2, 3)
    with torch.no_grad():
        found = fusion([fine, coarse])
        enlarged = functional.interpolate(coarse, (8, 12), mode="bilinear")
        expected = functional.relu(fusion.fine(fine) + fusion.coarse(enlarged))
    torch.testing.assert_close(found, expected)
    assert not any(isinstance(module, nn.ReLU) for module in fusion.fine.modules())


def test_every_pixel_sees_the_whole_image() -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=2)
    assert network.receptive_field is None
    assert network.stride == 32


def test_layers_are_halvings_bottlenecks_and_the_pyramid() -> None:
    encoder = FastSCNNEncoder(1)
    layers = encoder.layers()
    assert len(layers) == 3 + 9 + 1
    assert sum(map(len, layers)) == len(list(encoder.parameters()))


def test_weights_for_the_encoder_are_refused() -> None:
    with pytest.raises(
        ModelFileError, match=r"1 tensors were given, but an encoder from scratch has no published.*Leave them"
    ):
        build(in_channels=3, num_classes=2).load_encoder_weights({"conv1.weight": torch.rand(1)})


@pytest.mark.parametrize("name", ["in_channels", "num_classes"])
def test_arguments_out_of_range_are_named(name: str) -> None:
    with pytest.raises(RecipeError, match=f"argument `{name}`: found 0"):
        build(**{"in_channels": 3, "num_classes": 2, name: 0})
