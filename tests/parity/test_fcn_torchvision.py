"""Equal to torchvision's dilated FCN, and to its VGG classifier, with the weights of random networks copied over."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg11_bn
from torchvision.models.segmentation import fcn_resnet50, fcn_resnet101

from intarsia.architectures.fcn import FCN, build
from intarsia.architectures.fcn.convert import LAYOUTS
from intarsia.architectures.fcn.vgg import VggEncoder
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout


def _randomise(network: nn.Module) -> None:
    """Give weights and running statistics values that differ everywhere, so that a swapped pair would show."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)


def _ours(encoder: str = "resnet50", classes: int = 4) -> FCN:
    return build(in_channels=3, num_classes=classes, encoder=encoder, stride=8, dilated=True)


@pytest.fixture(scope="module")
def pair() -> tuple[FCN, nn.Module]:
    torch.manual_seed(0)
    ours, theirs = _ours(), fcn_resnet50(weights=None, weights_backbone=None, num_classes=4, aux_loss=True)
    _randomise(theirs)
    ours.load_state_dict(from_layout(theirs.state_dict(), ours.state_dict(), LAYOUTS["torchvision"](ours)))
    return ours, theirs


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_logits_are_equal(pair: tuple[FCN, nn.Module], training: bool) -> None:
    ours, theirs = (network.train(training) for network in pair)
    image = torch.randn(2, 3, 64, 88)
    with torch.no_grad():
        torch.manual_seed(1)  # each has one dropout before the scores, so the same seed drops the same
        expected = theirs(image)["out"]
        torch.manual_seed(1)
        found = ours(image).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_written_back_it_is_torchvisions_checkpoint(pair: tuple[FCN, nn.Module]) -> None:
    ours, theirs = pair
    written = to_layout(ours.state_dict(), LAYOUTS["torchvision"](ours))
    expected = {name: tensor for name, tensor in theirs.state_dict().items() if not name.startswith("aux_classifier.")}
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[name], tensor) for name, tensor in expected.items() if "num_batches" not in name)


def test_the_layout_of_resnet101_is_complete() -> None:
    with torch.device("meta"):
        ours = _ours("resnet101", 21)
        theirs = fcn_resnet101(weights=None, weights_backbone=None, num_classes=21)
    written = to_layout(ours.state_dict(), LAYOUTS["torchvision"](ours))
    expected = {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.shape for name, tensor in written.items()} == expected


def _checkpoint(classes: int = 4) -> dict[str, Tensor]:
    with torch.device("meta"):
        theirs: nn.Module = fcn_resnet50(weights=None, weights_backbone=None, num_classes=classes)
    return theirs.state_dict()


def test_unfit_checkpoints_are_named() -> None:
    with torch.device("meta"):
        ours, vgg = _ours(), vgg11_bn()
    layout, state = LAYOUTS["torchvision"](ours), ours.state_dict()
    missing = {name: tensor for name, tensor in _checkpoint().items() if name != "backbone.conv1.weight"}
    with pytest.raises(ModelFileError, match=r"torchvision's layout: 1 tensors are missing \(backbone.conv1.weight\)"):
        from_layout(missing, state, layout)
    extra = _checkpoint() | {"decoder.weight": torch.zeros(1)}
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(decoder.weight\)"):
        from_layout(extra, state, layout)
    with pytest.raises(ModelFileError, match=r"of another shape \(classifier.4.weight, classifier.4.bias\)"):
        from_layout(_checkpoint(classes=21), state, layout)
    with pytest.raises(ModelFileError, match=r"are missing .* and .* are not part of it"):
        from_layout(vgg.state_dict(), state, layout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dilated": False, "stride": 16}, r"stride=16, dilated=False\. Build the network with stride=8, dilated=True"),
        ({"encoder": "mobilenetv3_small_050"}, r"encoder=mobilenetv3_small_050\. .*with encoder=resnet50 or resnet101"),
        ({"encoder": "resnet50d"}, r"encoder=resnet50d\. .*with encoder=resnet50 or resnet101"),
        ({"encoder": "seresnet50"}, r"encoder=seresnet50\. .*with encoder=resnet50 or resnet101"),
        ({"stride": 16}, r"which has stride=16\. Build the network with stride=8\."),
    ],
    ids=str,
)
def test_networks_torchvision_lacks_have_no_layout(arguments: dict[str, Any], message: str) -> None:
    with torch.device("meta"):
        network = build(
            **{"in_channels": 3, "num_classes": 4, "encoder": "resnet50", "stride": 8, "dilated": True, **arguments}
        )
    with pytest.raises(ModelFileError, match=rf"torchvision computes something else than this network.*{message}"):
        LAYOUTS["torchvision"](network)


def test_fully_connected_layers_as_convolutions_give_what_they_gave() -> None:
    # On an image of 224 pixels the middle cell of fc6 covers just what the fully-connected layer does.
    torch.manual_seed(0)
    theirs: Any = vgg11_bn().eval()
    _randomise(theirs)
    ours = VggEncoder("vgg11_bn", in_channels=3, with_fc=True).eval()
    ours.load_weights(theirs.state_dict())
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = theirs.classifier[:5](theirs.features(image).flatten(1))
        found = ours(image)[-1][..., 3, 3]
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
