from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
import torchvision.models
from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.encoder_checkpoints import names_in_checkpoint
from intarsia.nn.encoders import TimmEncoder


@pytest.fixture(scope="module")
def mobilenet() -> Any:
    """torchvision's, with statistics that would show if two were swapped."""
    torch.manual_seed(0)
    network = torchvision.models.mobilenet_v2().eval()
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
    return network


def _efficientnet(name: str = "tf_efficientnet_lite0") -> tuple[dict[str, Tensor], dict[str, str]]:
    """An EfficientNet as efficientnet_pytorch would publish it, and what that calls timm's tensors."""
    ours: dict[str, Tensor] = timm.create_model(name).state_dict()
    called = names_in_checkpoint(["_conv_stem.weight"], ours, name)
    return {called[key]: tensor for key, tensor in ours.items()}, called


def test_torchvision_s_mobilenet_v2_is_the_same_function(mobilenet: Any) -> None:
    given = mobilenet.state_dict()
    network: Any = timm.create_model("mobilenetv2_100").eval()
    called = names_in_checkpoint(given, network.state_dict(), "mobilenetv2_100")
    assert sorted(called.values()) == sorted(given)
    network.load_state_dict({key: given[theirs] for key, theirs in called.items()})
    image = torch.randn(2, 3, 65, 96)
    with torch.no_grad():
        torch.testing.assert_close(network(image), mobilenet(image), rtol=1e-5, atol=1e-5)


def test_the_encoder_gives_torchvision_s_features(mobilenet: Any) -> None:
    encoder = TimmEncoder("mobilenetv2_100", in_channels=3).eval()
    encoder.load_weights(mobilenet.state_dict())
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = [mobilenet.features[: last + 1](image) for last in (1, 3, 6, 13, 17)]  # the last before each halving
        for feature, theirs in zip(encoder(image), expected, strict=True):
            torch.testing.assert_close(feature, theirs, rtol=1e-5, atol=1e-5)


def test_the_stem_is_adapted_and_the_classifier_left_out(mobilenet: Any) -> None:
    encoder = TimmEncoder("mobilenetv2_100", in_channels=1)
    encoder.load_weights(mobilenet.state_dict())
    stem = mobilenet.state_dict()["features.0.0.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(encoder.features.state_dict()["conv_stem.weight"], stem)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("conv_stem.weight", "_conv_stem.weight"),
        ("bn1.running_var", "_bn0.running_var"),
        ("blocks.0.0.conv_dw.weight", "_blocks.0._depthwise_conv.weight"),
        ("blocks.0.0.conv_pw.weight", "_blocks.0._project_conv.weight"),
        ("blocks.0.0.bn2.bias", "_blocks.0._bn2.bias"),
        ("blocks.1.0.conv_pw.weight", "_blocks.1._expand_conv.weight"),
        ("blocks.1.1.bn1.weight", "_blocks.2._bn0.weight"),
        ("blocks.6.0.conv_pwl.weight", "_blocks.15._project_conv.weight"),
        ("conv_head.weight", "_conv_head.weight"),
        ("bn2.num_batches_tracked", "_bn1.num_batches_tracked"),
        ("classifier.bias", "_fc.bias"),
    ],
)
def test_what_efficientnet_pytorch_calls_tensors(ours: str, theirs: str) -> None:
    assert _efficientnet()[1][ours] == theirs


def _published_names(depths: tuple[int, ...]) -> list[str]:
    """What efficientnet_pytorch calls the tensors of an EfficientNet whose stages have so many blocks."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    stem = {"_conv_stem": ("weight",), "_bn0": norm}
    end = {"_conv_head": ("weight",), "_bn1": norm, "_fc": ("weight", "bias")}
    block = {"_depthwise_conv": ("weight",), "_bn1": norm, "_se_reduce": ("weight", "bias")}
    block |= {"_se_expand": ("weight", "bias"), "_project_conv": ("weight",), "_bn2": norm}
    expanding = {"_expand_conv": ("weight",), "_bn0": norm, **block}
    blocks = [block if number < depths[0] else expanding for number in range(sum(depths))]
    parts = [stem, end, *({f"_blocks.{n}.{key}": of for key, of in each.items()} for n, each in enumerate(blocks))]
    return [f"{module}.{tensor}" for part in parts for module, tensors in part.items() for tensor in tensors]


@pytest.mark.parametrize(
    ("name", "depths"),  # of B0, multiplied and rounded up (Tan & Le 2019, arXiv:1905.11946, table 1 and §3.3)
    [("tf_efficientnet_b0", (1, 2, 2, 3, 3, 4, 1)), ("tf_efficientnet_b7", (4, 7, 7, 10, 10, 13, 4))],
)
def test_efficientnets_with_squeeze_and_excitation_have_all_their_names(name: str, depths: tuple[int, ...]) -> None:
    with torch.device("meta"):
        ours: dict[str, Tensor] = timm.create_model(name).state_dict()
    published = _published_names(depths)
    assert sorted(names_in_checkpoint(published, ours, name).values()) == sorted(published)


def test_efficientnet_b0_fits_the_encoder_that_pads_as_tensorflow_does() -> None:
    given, called = _efficientnet("tf_efficientnet_b0")
    assert given["_blocks.0._se_reduce.weight"].shape == (8, 32, 1, 1)
    assert given["_blocks.15._se_expand.bias"].shape == (1152,)
    encoder = TimmEncoder("tf_efficientnet_b0", in_channels=3)
    encoder.load_weights(given)
    loaded = encoder.features.state_dict()
    assert all(torch.equal(tensor, given[called[key]]) for key, tensor in loaded.items())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_efficientnet_lite_fits_the_encoder_that_pads_as_tensorflow_does(number: int) -> None:
    name = f"tf_efficientnet_lite{number}"
    given, called = _efficientnet(name)
    encoder = TimmEncoder(name, in_channels=3)
    encoder.load_weights(given)
    loaded = encoder.features.state_dict()
    assert all(torch.equal(tensor, given[called[key]]) for key, tensor in loaded.items())


def test_a_checkpoint_of_another_encoder_is_refused_in_one_line(mobilenet: Any) -> None:
    refused = (
        r"^encoder weights: they are of a MobileNetV2 in torchvision's layout, which is not what resnet18 computes\. "
        r"Choose the encoder they belong to, whose name begins with mobilenetv2_\.$"
    )
    with pytest.raises(ModelFileError, match=refused):
        TimmEncoder("resnet18", in_channels=3).load_weights(mobilenet.state_dict())
    with pytest.raises(ModelFileError, match=r"EfficientNet with TensorFlow's padding.*begins with tf_efficientnet_\."):
        TimmEncoder("efficientnet_lite0", in_channels=3).load_weights(_efficientnet()[0])
    with pytest.raises(ModelFileError, match=r"do not fit mobilenetv2_050: .* of another shape \(features\.0\.0\.wei"):
        TimmEncoder("mobilenetv2_050", in_channels=3).load_weights(mobilenet.state_dict())
    with pytest.raises(
        ModelFileError, match=r"do not fit tf_efficientnet_lite1: 75 tensors are missing \(_blocks\.16\."
    ):
        TimmEncoder("tf_efficientnet_lite1", in_channels=3).load_weights(_efficientnet()[0])


def test_what_is_missing_is_called_as_the_file_would(mobilenet: Any) -> None:
    given = mobilenet.state_dict()
    del given["features.3.conv.1.0.weight"]
    given["features.19.0.weight"] = torch.zeros(1)
    expected = (
        r"1 tensors are missing \(features\.3\.conv\.1\.0\.weight\) and 1 tensors are not part of it \(features\.19"
    )
    with pytest.raises(ModelFileError, match=expected):
        TimmEncoder("mobilenetv2_100", in_channels=3).load_weights(given)


def test_timm_s_own_layout_is_left_as_it_is() -> None:
    names = list(timm.create_model("test_resnet").state_dict())
    assert names_in_checkpoint(names, names, "test_resnet") == {name: name for name in names}
