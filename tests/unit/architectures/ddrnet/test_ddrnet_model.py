from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from intarsia.architectures.ddrnet import build
from intarsia.architectures.ddrnet.decoder import DAPPM
from intarsia.architectures.ddrnet.encoder import BilateralStage, DualResolutionEncoder
from intarsia.errors import ModelFileError, RecipeError


def test_one_branch_stays_at_an_eighth_and_one_goes_down_to_a_sixty_fourth() -> None:
    with torch.device("meta"):
        encoder = DualResolutionEncoder(3, 32)
        fine = coarse = encoder.trunk(torch.empty(1, 3, 1024, 2048))
        sizes = [tuple(fine.shape[1:])]
        for exchange in encoder.exchanges:
            fine, coarse = exchange(fine, coarse)
            sizes += [tuple(fine.shape[1:]), tuple(coarse.shape[1:])]
        last = [tuple(feature.shape[1:]) for feature in encoder(torch.empty(1, 3, 1024, 2048))]
    assert sizes == [(64, 128, 256), (64, 128, 256), (128, 64, 128), (64, 128, 256), (256, 32, 64)]
    assert last == [(128, 128, 256), (512, 16, 32)]
    assert (encoder.out_channels, encoder.strides) == ((128, 512), (8, 64))


def test_each_branch_is_told_what_the_other_has_found_alone() -> None:
    torch.manual_seed(0)
    stage: Any = BilateralStage(2, 4, 8).eval()
    fine, coarse = torch.randn(1, 2, 8, 12), torch.randn(1, 4, 4, 6)
    with torch.no_grad():
        found = stage(fine, coarse)
        alone_fine, alone_coarse = stage.fine(fine), stage.coarse(coarse)
        enlarged = functional.interpolate(stage.to_fine(alone_coarse.relu()), (8, 12), mode="bilinear")
        expected = (alone_fine + enlarged).relu(), (alone_coarse + stage.to_coarse(alone_fine.relu())).relu()
    assert alone_fine.min() < 0  # so that it matters where the ReLU is
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 3), (16, 32)], ids=str)
def test_means_of_the_pyramid_do_not_count_what_lies_outside(size: tuple[int, int]) -> None:
    pyramid: Any = DAPPM(3, 4, 5)
    pooled = [scale[0](torch.full((1, 3, *size), 2.0)) for scale in pyramid.scales]
    assert [tuple(map(float, mean.aminmax())) for mean in pooled] == [(2.0, 2.0)] * 5
    assert [mean.shape[-2:] for mean in pooled] == [
        *(tuple(-(-side // stride) for side in size) for stride in (1, 2, 4, 8)),
        (1, 1),
    ]


def test_each_scale_is_refined_upon_the_one_before() -> None:
    torch.manual_seed(0)
    pyramid: Any = DAPPM(3, 4, 5).eval()
    features = torch.randn(1, 3, 5, 7)
    with torch.no_grad():
        found = pyramid(features)
        scales = [functional.interpolate(scale(features), (5, 7), mode="bilinear") for scale in pyramid.scales]
        aggregated = scales[:1]
        for scale, refine in zip(scales[1:], pyramid.refine, strict=True):
            aggregated.append(refine(scale + aggregated[-1]))
        expected = pyramid.merge(torch.cat(aggregated, dim=1)) + pyramid.shortcut(features)
    torch.testing.assert_close(found, expected)


def test_every_pixel_sees_the_whole_image() -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=2)
    assert network.receptive_field is None
    assert network.stride == 64


def test_layers_are_blocks_and_then_stages_of_both_branches() -> None:
    encoder = DualResolutionEncoder(1, 4)
    layers = encoder.layers()
    assert len(layers) == 2 + 4 + 2 + 1
    assert sum(map(len, layers)) == len(list(encoder.parameters()))


def test_weights_for_the_encoder_are_refused() -> None:
    with pytest.raises(
        ModelFileError, match=r"1 tensors were given, but an encoder from scratch has no published.*Leave them"
    ):
        build(in_channels=3, num_classes=2, width=4).load_encoder_weights({"conv1.weight": torch.rand(1)})


@pytest.mark.parametrize("name", ["in_channels", "num_classes", "width"])
def test_arguments_out_of_range_are_named(name: str) -> None:
    with pytest.raises(RecipeError, match=f"argument `{name}`: found 0"):
        build(**{"in_channels": 3, "num_classes": 2, name: 0})
