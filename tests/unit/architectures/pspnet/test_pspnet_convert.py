from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.pspnet import PSPNet, build
from intarsia.architectures.pspnet.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout


def _network(**arguments: Any) -> PSPNet:
    defaults = {"in_channels": 2, "num_classes": 3, "encoder": "resnet18", "depth": 2, "width": 8, "variant": "smp"}
    return build(**{**defaults, **arguments})


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
    weight = theirs.pop("decoder.psp.blocks.1.pool.1.0.weight")
    with pytest.raises(ModelFileError, match=r"1 tensors are missing \(decoder\.psp\.blocks\.1\.pool\.1\.0\.weight\)"):
        from_layout(theirs, ours, layout)
    whole = {**theirs, "decoder.psp.blocks.1.pool.1.0.weight": weight}
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(classification_head\.3\.bias\)"):
        from_layout({**whole, "classification_head.3.bias": weight}, ours, layout)
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(decoder\.conv\.0\.weight\)"):
        from_layout({**whole, "decoder.conv.0.weight": weight}, ours, layout)


def test_a_checkpoint_of_another_architecture_is_refused() -> None:
    network = _network()
    with pytest.raises(ModelFileError, match="does not fit this network in segmentation_models_pytorch's layout"):
        from_layout({"decoder.fusion_block.0.weight": torch.rand(1)}, network.state_dict(), LAYOUTS["smp"](network))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "paper"}, r"which has variant=paper\. Build the network with variant=smp\."),
        ({"depth": None}, r"which has depth=None \(dilated\)\. Build the network with depth=3, or the ch"),
        ({"encoder": "test_resnet"}, r"no encoder of its own that computes what timm's 'test_resnet' does"),
    ],
    ids=str,
)
def test_a_network_smp_has_not_is_refused(arguments: dict[str, Any], message: str) -> None:
    network = _network(**arguments)
    with pytest.raises(ModelFileError, match=message):
        LAYOUTS["smp"](network)
