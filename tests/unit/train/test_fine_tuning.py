from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from intarsia.architectures import build
from intarsia.errors import RecipeError
from intarsia.nn.network import SegmentationNetwork
from intarsia.train.fine_tuning import freeze_layers, parameter_groups


@pytest.fixture
def network() -> SegmentationNetwork:
    return build("unet", in_channels=3, num_classes=2, encoder="test_resnet")


def test_the_first_layers_are_frozen_and_no_others(network: SegmentationNetwork) -> None:
    freeze_layers(network, 2)
    layers = network.encoder_layers()
    assert not any(parameter.requires_grad for layer in layers[:2] for parameter in layer)
    assert all(parameter.requires_grad for layer in layers[2:] for parameter in layer)


def test_all_freezes_the_encoder_and_leaves_the_decoder(network: SegmentationNetwork) -> None:
    freeze_layers(network, "all")
    learning = {name.partition(".")[0] for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert learning == {"decoder", "head"}


def test_more_layers_than_there_are_name_their_number(network: SegmentationNetwork) -> None:
    count = len(network.encoder_layers())
    with pytest.raises(RecipeError, match=f"99 layers are to be frozen, and this encoder has {count}.*up to {count}"):
        freeze_layers(network, 99)


def test_norms_are_frozen_with_their_weights(network: SegmentationNetwork) -> None:
    freeze_layers(network, "all")
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert {name for name, norm in norms.items() if not norm.training} == {n for n in norms if n.startswith("encoder.")}


@pytest.mark.parametrize("encoder", ["test_resnet", "test_efficientnet"])
def test_norms_behind_the_frozen_layers_go_on_learning(encoder: str) -> None:
    network = build("unet", in_channels=1, num_classes=2, encoder=encoder)
    freeze_layers(network, 2)
    frozen = {id(parameter) for layer in network.encoder_layers()[:2] for parameter in layer}
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert [norm.training for norm in norms] == [id(norm.weight) not in frozen for norm in norms]
    assert {norm.training for norm in norms} == {True, False}


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [("segformer", {}), ("fcn", {"encoder": "vgg11"}), ("unet", {"encoder": "test_resnet"})],
)
def test_frozen_features_do_not_vary(architecture: str, arguments: dict[str, Any]) -> None:
    """Stochastic depth and dropout would make them."""
    network = build(architecture, in_channels=3, num_classes=2, **arguments).train()
    freeze_layers(network, "all")
    encoder, image = network.get_submodule("encoder"), torch.rand(2, 3, 64, 64)
    for one, other in zip(encoder(image), encoder(image), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_places_and_queries_do_not_decay() -> None:
    network = build("vit", in_channels=3, num_classes=2, encoder="test_vit")
    groups = parameter_groups(network, learning_rate=1.0, weight_decay=0.1, layer_decay=1.0)
    free = {id(parameter) for group in groups if not group["weight_decay"] for parameter in group["params"]}
    places = [p for name, p in network.named_parameters() if name.endswith(("pos_embed", "cls_token"))]
    assert places
    assert {id(parameter) for parameter in places} <= free


def test_groups_hold_every_learning_parameter_once(network: SegmentationNetwork) -> None:
    freeze_layers(network, 1)
    groups = parameter_groups(network, learning_rate=1.0, weight_decay=0.1, layer_decay=0.5)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in network.parameters() if parameter.requires_grad)


def test_rates_shrink_towards_the_image_and_only_weights_decay(network: SegmentationNetwork) -> None:
    rates, decays = {}, {}
    for group in parameter_groups(network, learning_rate=1.0, weight_decay=0.1, layer_decay=0.5):
        for parameter in group["params"]:
            rates[id(parameter)], decays[id(parameter)] = group["lr"], group["weight_decay"]
    layers = network.encoder_layers()
    for number, layer in enumerate(layers):
        assert {rates[id(parameter)] for parameter in layer} == {0.5 ** (len(layers) - number)}
    head = network.get_submodule("head")
    assert {rates[id(parameter)] for parameter in head.parameters()} == {1.0}
    assert all(decays[id(p)] == (0.1 if p.ndim > 1 else 0.0) for p in network.parameters())


def test_without_decay_there_are_two_groups_of_one_rate(network: SegmentationNetwork) -> None:
    groups = parameter_groups(network, learning_rate=0.3, weight_decay=0.1, layer_decay=1.0)
    assert [group["lr"] for group in groups] == [0.3, 0.3]
    assert sum(torch.numel(p) for group in groups for p in group["params"]) == sum(
        p.numel() for p in network.parameters()
    )
