from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from contract.tiny_swin import swin_test
from intarsia.architectures.mask2former import build
from intarsia.errors import ModelFileError, RecipeError

_TINY: dict[str, Any] = {
    **{"in_channels": 3, "num_classes": 2, "queries": 4},
    **{"width": 32, "pixel_layers": 1, "decoder_layers": 2},
}
_SWIN = swin_test.__name__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queries": 0}, r"argument `queries`: found 0. Give a whole number, 1 or larger"),
        ({"decoder_layers": 0}, r"argument `decoder_layers`: found 0"),
        ({"pixel_layers": 0}, r"argument `pixel_layers`: found 0"),
        ({"num_classes": 0}, r"argument `num_classes`: found 0"),
        ({"width": 100}, r"argument `width`: found 100. Give a multiple of 32, for example 96"),
        ({"width": 8}, r"found 8. Give a multiple of 32, for example 32"),
        ({"num_classes": 8}, r"argument `queries`: found 4, too few masks to show 8 classes. Give 8 or more"),
        ({"encoder": "resnet5"}, r"timm has no model 'resnet5'. Did you mean 'resnet5"),
        (
            {"encoder": "csatv2"},
            r"'csatv2' has features at the strides 8, 16, 32, 64, but.*takes 4, 8, 16, 32.*resnet50",
        ),
    ],
)
def test_what_cannot_be_built_is_named_with_a_remedy(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{**_TINY, "encoder": "test_resnet", **arguments})


def test_masks_come_at_a_quarter_of_the_extended_image() -> None:
    network = build(encoder="test_resnet", **_TINY).eval()
    with torch.no_grad():
        queries = network(torch.rand(2, 3, 33, 70))
    assert queries.mask_logits.shape == (2, 4, 16, 24)
    assert queries.class_logits.shape == (2, 4, 3)
    assert (queries.size, queries.stride, queries.auxiliary) == ((33, 70), 4, ())


def test_training_adds_the_masks_of_every_earlier_layer() -> None:
    queries = build(encoder="test_resnet", **_TINY).train()(torch.rand(1, 3, 40, 40))
    assert len(queries.auxiliary) == _TINY["decoder_layers"]
    shapes = {(each.class_logits.shape, each.mask_logits.shape) for each in (queries, *queries.auxiliary)}
    assert shapes == {((1, 4, 3), (1, 4, 16, 16))}


def test_swin_takes_timms_weights_and_adapts_its_patches_to_other_channels() -> None:
    published = timm.create_model(_SWIN).state_dict()
    network: Any = build(encoder=_SWIN, **{**_TINY, "in_channels": 1})
    network.load_encoder_weights(published)
    found = network.encoder.features.state_dict()
    expected = published["patch_embed.proj.weight"].sum(dim=1, keepdim=True)
    torch.testing.assert_close(found["patch_embed.proj.weight"], expected)
    assert torch.equal(found["layers_3.blocks.1.mlp.fc2.bias"], published["layers.3.blocks.1.mlp.fc2.bias"])


def test_weights_of_another_encoder_change_nothing() -> None:
    network: Any = build(encoder=_SWIN, **_TINY)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with pytest.raises(ModelFileError, match=_SWIN):
        network.load_encoder_weights(timm.create_model("test_resnet").state_dict())
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_swins_layers_go_from_the_image_on() -> None:
    network: Any = build(encoder=_SWIN, **_TINY)
    names = {id(parameter): name for name, parameter in network.encoder.features.named_parameters()}
    firsts = [names[id(layer[0])] for layer in network.encoder_layers()]
    assert [name.split(".")[0] for name in firsts] == [
        "patch_embed", "layers_0", "layers_0", "layers_1", "layers_1", "layers_2", "layers_3", "layers_3"
    ]  # fmt: skip
