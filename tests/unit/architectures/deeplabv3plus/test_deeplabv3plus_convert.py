from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.deeplabv3plus import DeepLabV3Plus, build
from intarsia.architectures.deeplabv3plus.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout


def _network(**arguments: Any) -> DeepLabV3Plus:
    defaults = {"in_channels": 2, "num_classes": 3, "encoder": "resnet18", "width": 4, "variant": "smp"}
    return build(**{**defaults, **arguments})


@pytest.mark.parametrize(("program", "variant"), [("smp", "smp"), ("smp-universal", "smp-universal")])
def test_there_and_back_is_the_same(program: str, variant: str) -> None:
    network = _network(variant=variant)
    ours, layout = network.state_dict(), LAYOUTS[program](network)
    read = from_layout(to_layout(ours, layout), _network(variant=variant).state_dict(), layout)
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], ours[key]) for key in ours)


def test_what_does_not_fit_is_named() -> None:
    network = _network()
    ours, layout = network.state_dict(), LAYOUTS["smp"](network)
    theirs = to_layout(ours, layout)
    lacking, misshapen = "decoder.block1.0.weight", "decoder.block2.0.1.weight"
    weight = theirs.pop(lacking)
    with pytest.raises(ModelFileError, match=rf"1 tensors are missing \({lacking}\)"):
        from_layout(theirs, ours, layout)
    whole = {**theirs, lacking: weight}
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(classification_head\.3\.bias\)"):
        from_layout({**whole, "classification_head.3.bias": weight}, ours, layout)
    with pytest.raises(ModelFileError, match=rf"1 tensors are of another shape \({misshapen}\)"):
        from_layout({**whole, misshapen: weight}, ours, layout)


def test_a_checkpoint_of_another_architecture_is_refused() -> None:
    network = _network()
    with pytest.raises(ModelFileError, match="does not fit this network in segmentation_models_pytorch's layout"):
        from_layout({"decoder.p5.weight": torch.rand(1)}, network.state_dict(), LAYOUTS["smp"](network))


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        ("smp", {"variant": "paper"}, r"has variant=paper, rates=.*with variant=smp, rates=\(12, 24, 36\)\."),
        ("smp", {"variant": "smp-universal"}, r"has variant=smp-universal\. Build the network with variant=smp\."),
        ("smp-universal", {}, r"which has variant=smp\. Build the network with variant=smp-universal\."),
        ("smp", {"output_stride": 8}, r"defaults, .*has output_stride=8\. Build the network with output_stride=16\."),
        ("smp", {"rates": (6, 12, 18)}, r"has rates=\(6, 12, 18\)\. Build the network with rates=\(12, 24, 36\)\."),
        ("smp", {"encoder": "test_resnet"}, r"no encoder of its own that computes what timm's 'test_resnet' does"),
    ],
    ids=str,
)
def test_a_network_they_have_not_is_refused(program: str, arguments: dict[str, Any], message: str) -> None:
    network = _network(**arguments)
    with pytest.raises(ModelFileError, match=message):
        LAYOUTS[program](network)
