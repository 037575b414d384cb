from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.unet import UNet, build
from intarsia.architectures.unet.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout


def _network(**arguments: Any) -> UNet:
    return build(
        **{"in_channels": 2, "num_classes": 3, "encoder": "resnet18", "depth": 2, "base_width": 4, **arguments}
    )


@pytest.mark.parametrize("program", LAYOUTS)
def test_there_and_back_is_the_same(program: str) -> None:
    network = _network()
    ours, layout = network.state_dict(), LAYOUTS[program](network)
    read = from_layout(to_layout(ours, layout), _network().state_dict(), layout)
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], ours[key]) for key in ours)


def test_what_does_not_fit_is_named() -> None:
    network = _network()
    ours, layout = network.state_dict(), LAYOUTS["smp"](network)
    theirs = to_layout(ours, layout)
    bias = theirs.pop("segmentation_head.0.bias")
    with pytest.raises(ModelFileError, match=r"1 tensors are missing \(segmentation_head\.0\.bias\)"):
        from_layout(theirs, ours, layout)
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(classification_head\.3\.bias\)"):
        from_layout({**theirs, "segmentation_head.0.bias": bias, "classification_head.3.bias": bias}, ours, layout)
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(segmentation_head\.0\.bias\)"):
        from_layout({**theirs, "segmentation_head.0.bias": bias[:1]}, ours, layout)


def test_stages_that_smp_keeps_without_running_them_are_passed_over() -> None:
    network = _network()
    ours, layout = network.state_dict(), LAYOUTS["smp"](network)
    unused = {"encoder.layer2.0.conv1.weight": torch.rand(1), "encoder.layer4.0.conv1.weight": torch.rand(1)}
    from_layout({**to_layout(ours, layout), **unused}, ours, layout)


def test_a_checkpoint_of_another_encoder_is_refused() -> None:
    network, other = _network(), _network(encoder="test_resnet")
    given = to_layout(other.state_dict(), LAYOUTS["smp-universal"](other))
    with pytest.raises(ModelFileError, match="does not fit this network in segmentation_models_pytorch's layout"):
        from_layout(given, network.state_dict(), LAYOUTS["smp-universal"](network))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": "scratch"}, r"nothing like an encoder from scratch.*on an encoder of timm"),
        ({"attention": True, "depth": 3}, r"which has attention=True\. Build the network with attention=False\."),
        ({"upsampling": "transposed"}, r"has upsampling=transposed\. Build the network with upsampling=nearest\."),
        ({"upsampling": "bilinear"}, r"has upsampling=bilinear\. Build the network with upsampling=nearest\."),
        ({"norm": "group"}, r"which has norm=group\. Build the network with norm=batch\."),
        ({"encoder": "test_resnet"}, r"no encoder of its own that computes what timm's 'test_resnet' does"),
    ],
    ids=str,
)
def test_a_network_smp_has_not_is_refused(arguments: dict[str, Any], message: str) -> None:
    network = _network(**arguments)
    with pytest.raises(ModelFileError, match=message):
        LAYOUTS["smp"](network)
