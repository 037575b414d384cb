from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

import intarsia.architectures.fcn.vgg as vgg
from intarsia.architectures.fcn import build
from intarsia.architectures.fcn.vgg import FullyConvolutional, VggEncoder
from intarsia.errors import ModelFileError, RecipeError


@pytest.mark.parametrize("name", ["vgg11", "vgg13_bn"])
def test_features_are_those_after_each_pooling(name: str) -> None:
    torch.manual_seed(0)
    encoder = VggEncoder(name, 3, with_fc=False).eval()
    theirs: Any = timm.create_model(name, mlp_ratio=1e-3).eval()
    encoder.load_weights(theirs.state_dict())
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        features, before = encoder(image), theirs.forward_intermediates(image, intermediates_only=True)
    assert encoder.strides == (2, 4, 8, 16, 32)
    assert encoder.out_channels == (64, 128, 256, 512, 512)
    for feature, unpooled in zip(features, before[:-1], strict=True):
        assert torch.equal(feature, functional.max_pool2d(unpooled, 2))
    assert torch.equal(features[-1], before[-1])


def test_fc6_and_fc7_keep_height_and_width_and_drop_half() -> None:
    layers = FullyConvolutional(4, 6)
    assert layers(torch.rand(1, 4, 3, 5)).shape == (1, 6, 3, 5)
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    torch.manual_seed(0)
    state: dict[str, Tensor] = timm.create_model("vgg11").state_dict()
    return state


@pytest.fixture(scope="module")
def whole() -> VggEncoder:
    return VggEncoder("vgg11", 3, with_fc=True)


def test_weights_in_timms_layout_fill_fc6_and_fc7_too(whole: VggEncoder, published: dict[str, Tensor]) -> None:
    whole.load_weights(published)
    assert torch.equal(whole.state_dict()["fc.fc6.weight"], published["pre_logits.fc1.weight"])
    assert torch.equal(whole.state_dict()["fc.fc7.bias"], published["pre_logits.fc2.bias"])
    assert torch.equal(whole.state_dict()["features.18.weight"], published["features.18.weight"])


def test_every_convolution_is_a_layer(whole: VggEncoder) -> None:
    layers = whole.layers()
    assert [len(layer) for layer in layers] == [2] * (8 + 2)
    assert [layer[0].shape[0] for layer in layers] == [64, 128, 256, 256, 512, 512, 512, 512, 4096, 4096]
    assert sum(len(layer) for layer in layers) == len(list(whole.parameters()))
    assert [len(layer) for layer in VggEncoder("vgg11_bn", 3, with_fc=False).layers()] == [4] * 8


def test_pretrained_fills_the_whole_encoder(monkeypatch: pytest.MonkeyPatch, published: dict[str, Tensor]) -> None:
    def fetched(name: str, pretrained: bool = False, **arguments: Any) -> Any:
        model = timm.create_model(name, **arguments)
        if pretrained:
            model.load_state_dict(published)
        return model

    monkeypatch.setattr(vgg, "create_timm_model", fetched)
    state = build(in_channels=1, num_classes=2, encoder="vgg11", pretrained=True).encoder.state_dict()
    assert torch.equal(state["fc.fc6.weight"], published["pre_logits.fc1.weight"])
    torch.testing.assert_close(state["features.0.weight"], published["features.0.weight"].sum(dim=1, keepdim=True))


def test_narrower_fully_connected_layers_belong_to_the_decoder(published: dict[str, Tensor]) -> None:
    network = build(in_channels=3, num_classes=2, encoder="vgg11", fc_width=6)
    network.load_encoder_weights(published)
    assert torch.equal(network.encoder.state_dict()["features.18.weight"], published["features.18.weight"])
    layered = {id(parameter) for layer in network.encoder_layers() for parameter in layer}
    assert layered == {id(parameter) for parameter in network.encoder.parameters()}
    assert network.decoder.state_dict()["top.fc6.weight"].shape == (6, 512, 7, 7)


def test_unfit_weights_are_named_and_change_nothing(whole: VggEncoder, published: dict[str, Tensor]) -> None:
    before = whole.state_dict()["fc.fc6.weight"].clone()
    lacking = {name: tensor + 1 for name, tensor in published.items() if not name.startswith("pre_logits")}
    with pytest.raises(ModelFileError, match=r"do not fit vgg11: 4 tensors are missing \(pre_logits.fc1.weight"):
        whole.load_weights(lacking)
    with pytest.raises(ModelFileError, match=r"do not fit vgg11: .*tensors are missing.*not part of it"):
        whole.load_weights(timm.create_model("test_resnet").state_dict())
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(pre_logits.fc1.weight\)"):
        whole.load_weights({**published, "pre_logits.fc1.weight": torch.rand(4096, 512 * 9)})
    assert torch.equal(whole.state_dict()["fc.fc6.weight"], before)


def test_an_unknown_vgg_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"timm has no model 'vgg17'. Did you mean 'vgg1[0-9]'\?"):
        build(in_channels=3, num_classes=2, encoder="vgg17")
