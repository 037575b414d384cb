from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file

from intarsia.architectures.fcn.vgg import VggEncoder
from intarsia.errors import FetchError, ModelFileError, RecipeError
from intarsia.nn.encoders import TimmEncoder

_KINDS = {
    "resnet18": (2, 4, 8, 16, 32),
    "resnet34": (2, 4, 8, 16, 32),
    "mobilenetv3_small_050": (2, 4, 8, 16, 32),
    "efficientnet_b0": (2, 4, 8, 16, 32),
    "vgg11": (1, 2, 4, 8, 16, 32),
    "convnext_atto": (4, 8, 16, 32),
    "mambaout_femto": (4, 8, 16, 32),  # features come channels last
}


@pytest.mark.parametrize("name", _KINDS)
def test_features_have_the_promised_channels_and_strides(name: str) -> None:
    encoder = TimmEncoder(name, in_channels=4)
    assert encoder.strides == _KINDS[name]
    features = encoder(torch.rand(1, 4, 64, 96))
    expected = [(c, 64 // s, 96 // s) for c, s in zip(encoder.out_channels, encoder.strides, strict=True)]
    assert [tuple(feature.shape[1:]) for feature in features] == expected


def test_fewer_levels_leave_the_coarsest_out() -> None:
    encoder = TimmEncoder("resnet18", in_channels=3, levels=3)
    assert (encoder.strides, encoder.out_channels) == ((2, 4, 8), (64, 64, 128))
    assert not any("layer3" in name for name, _ in encoder.named_parameters())


def test_a_new_encoder_is_in_training_mode_with_untouched_statistics() -> None:
    encoder = TimmEncoder("test_resnet", in_channels=3)
    assert all(module.training for module in encoder.modules())
    assert all(not buffer.any() for name, buffer in encoder.named_buffers() if "running_mean" in name)


@pytest.mark.parametrize(
    ("name", "levels", "message"),
    [
        ("resnet1", None, r"timm has no model 'resnet1'. Did you mean 'resnet18'\?"),
        (
            "resnet18.nonsense",
            None,
            r"no weights 'nonsense' of 'resnet18'. Write resnet18, or one of resnet18.a1_in1k, ",
        ),
        ("test_vit", None, r"has features at the strides 16, 16, 16, which is no pyramid. Choose a convolutional"),
        ("inception_v3", None, r"refuses an image of 32×320 pixels. Choose a convolutional"),
        ("mvitv2_tiny", None, r"refuses an image of 32×256 pixels. Choose a convolutional"),
        ("test_convnext", 1, r"argument `depth`.*no features at 1 halvings.*stride 4. Give a depth of 2 or more"),
        (
            "resnet18",
            9,
            r"argument `depth`: found 9, but 'resnet18' halves height and width 5 times only. Give at most 5",
        ),
        ("scratch", None, r"timm has no model 'scratch'\. Write a name that timm.list_models\(\) gives\.$"),
        ("convnext_atto_rms.a1", None, r"no weights 'a1' of 'convnext_atto_rms'\. Write convnext_atto_rms\.$"),
    ],
)
def test_unusable_encoders_are_named_with_a_remedy(name: str, levels: int | None, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TimmEncoder(name, in_channels=3, levels=levels)


@pytest.mark.parametrize("name", ["convnext_atto_rms", "convnext_atto_rms.untrained"])
def test_weights_that_nobody_published_are_not_fetched(name: str) -> None:
    message = rf"`pretrained`: found True, but timm has no weights of '{name}'\. Leave it out, or choose an encoder"
    with pytest.raises(RecipeError, match=message):
        TimmEncoder(name, in_channels=3, pretrained=True)


@pytest.mark.parametrize("name", ["vgg11", "vgg11_bn"])
def test_a_layer_is_a_convolution_with_its_normalisation(name: str) -> None:
    with torch.device("meta"):
        encoder, fcns = TimmEncoder(name, in_channels=3), VggEncoder(name, in_channels=3, with_fc=False)
    shapes = [[tuple(parameter.shape) for parameter in layer] for layer in encoder.layers()]
    assert shapes == [[tuple(parameter.shape) for parameter in layer] for layer in fcns.layers()]
    assert len(shapes) == 8


@pytest.mark.parametrize("name", ["poolformer_s12", "convformer_s18", "caformer_s18"])
def test_where_timm_groups_nothing_a_layer_is_a_stem_or_stage(name: str) -> None:
    with torch.device("meta"):
        encoder = TimmEncoder(name, in_channels=3)
    names = {id(parameter): name for name, parameter in encoder.features.named_parameters()}
    parts = [{names[id(parameter)].partition(".")[0] for parameter in layer} for layer in encoder.layers()]
    assert parts == [{"stem"}, {"stages_0"}, {"stages_1"}, {"stages_2"}, {"stages_3"}]
    assert sum(map(len, encoder.layers())) == len(names)


def test_weights_that_cannot_be_fetched_point_to_a_local_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(name: str, pretrained: bool = False, **arguments: Any) -> Any:
        if pretrained:
            raise OSError("Name or service not known.\nand much more")
        return build(name, **arguments)

    build = timm.create_model
    monkeypatch.setattr(timm, "create_model", no_network)
    expected = (
        r"could not fetch the weights of 'resnet18' \(Name or service not known\)\. Connect.*`encoder_weights` name"
    )
    with pytest.raises(FetchError, match=expected) as caught:
        TimmEncoder("resnet18", in_channels=3, pretrained=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "levels", "fetched"),
    [("test_resnet", None, 1), ("test_resnet", 3, 1), ("test_resnet", 9, 0), ("test_vit", None, 0)],
)
def test_weights_are_fetched_once_and_only_for_an_encoder_that_can_be_used(
    name: str, levels: int | None, fetched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(name: str, pretrained: bool = False, **arguments: Any) -> Any:
        asked.append(pretrained)
        return build(name, **arguments)

    build, asked = timm.create_model, list[bool]()
    monkeypatch.setattr(timm, "create_model", count)
    with contextlib.nullcontext() if fetched else pytest.raises(RecipeError):
        TimmEncoder(name, in_channels=3, levels=levels, pretrained=True)
    assert sum(asked) == fetched


def test_loading_draws_nothing() -> None:
    encoder, published = TimmEncoder("test_resnet", in_channels=3), timm.create_model("test_resnet").state_dict()
    before = torch.get_rng_state()
    encoder.load_weights(published)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_convnext", "mambaout_femto"])
def test_loaded_weights_give_the_features_of_the_model_they_come_from(name: str) -> None:
    published: Any = timm.create_model(name).eval()
    encoder = TimmEncoder(name, in_channels=3).eval()
    encoder.load_weights(published.state_dict())
    image = torch.rand(1, 3, 64, 64)
    expected = published.forward_intermediates(image, intermediates_only=True)
    for feature, intermediate in zip(encoder(image), expected, strict=True):
        torch.testing.assert_close(feature, intermediate)


def test_refused_weights_change_nothing() -> None:
    encoder = TimmEncoder("resnet18", in_channels=3)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with pytest.raises(ModelFileError, match=r"they do not fit resnet18: \d+ tensors are not part of it \(layer1.2"):
        encoder.load_weights(timm.create_model("resnet34").state_dict())
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


@pytest.mark.needs_shared_data
@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_published_half_precision_file_loads(shared_data: Path, in_channels: int) -> None:
    given = load_file(shared_data.parent / "weights" / "resnet18_imagenet1k_fp16.safetensors")
    encoder = TimmEncoder("resnet18", in_channels=in_channels)
    encoder.load_weights(given)
    loaded = encoder.state_dict()
    assert loaded["features.layer4.1.bn2.running_var"].dtype == torch.float32
    assert torch.equal(loaded["features.layer1.0.conv1.weight"], given["layer1.0.conv1.weight"].float())
    torch.testing.assert_close(loaded["features.conv1.weight"].sum(dim=1), given["conv1.weight"].float().sum(dim=1))
