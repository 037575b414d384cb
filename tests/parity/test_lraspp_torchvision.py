"""Equal to torchvision's LR-ASPP with the weights of a random network copied over."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.segmentation import LRASPP_MobileNet_V3_Large_Weights, lraspp_mobilenet_v3_large

from intarsia.architectures.lraspp import LRASPP, build
from intarsia.architectures.lraspp.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout
from parity.randomise import randomise


def _ours() -> LRASPP:
    return build(in_channels=3, num_classes=4, variant="torchvision")


def _theirs(classes: int = 4) -> nn.Module:
    network: nn.Module = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes)
    return network


@pytest.fixture(scope="module")
def pair() -> tuple[LRASPP, nn.Module]:
    torch.manual_seed(0)
    ours, theirs = _ours(), _theirs()
    ours.load_state_dict(from_layout(randomise(theirs), ours.state_dict(), LAYOUTS["torchvision"](ours)))
    return ours, theirs


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("size", [(64, 96), (32, 32)], ids=str)
def test_logits_are_equal(pair: tuple[LRASPP, nn.Module], training: bool, size: tuple[int, int]) -> None:
    ours, theirs = pair
    ours.train(training)
    theirs.train(training)
    image = torch.randn(3, 3, *size)
    with torch.no_grad():
        expected = theirs(image)["out"]
        found = ours(image).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    _assert_same_tensors(ours, theirs)  # training moves the running statistics


def test_what_we_write_is_what_they_read() -> None:
    torch.manual_seed(1)
    ours, theirs = _ours().eval(), _theirs().eval()
    randomise(ours)
    theirs.load_state_dict(to_layout(ours.state_dict(), LAYOUTS["torchvision"](ours)))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(image).logits, theirs(image)["out"], rtol=1e-5, atol=1e-5)


def test_as_many_parameters_as_the_published_checkpoint() -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21, variant="torchvision")
    published = LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1.meta["num_params"]
    assert sum(parameter.numel() for parameter in network.parameters()) == published


def _checkpoint(classes: int = 4) -> dict[str, Tensor]:
    with torch.device("meta"):
        return _theirs(classes).state_dict()


def test_unfit_checkpoints_are_named() -> None:
    with torch.device("meta"):
        ours = _ours()
    layout, state = LAYOUTS["torchvision"](ours), ours.state_dict()
    missing = {name: tensor for name, tensor in _checkpoint().items() if name != "backbone.4.block.2.fc1.bias"}
    with pytest.raises(ModelFileError, match=r"layout: 1 tensors are missing \(backbone.4.block.2.fc1.bias\)"):
        from_layout(missing, state, layout)
    with pytest.raises(ModelFileError, match=r"1 tensors are not part of it \(aux_classifier.weight\)"):
        from_layout(_checkpoint() | {"aux_classifier.weight": torch.zeros(1)}, state, layout)
    with pytest.raises(ModelFileError, match=r"4 tensors are of another shape \(classifier.high_classifier.weight"):
        from_layout(_checkpoint(classes=21), state, layout)
    with pytest.raises(ModelFileError, match=r"are missing .* and .* are not part of it"):
        from_layout({"backbone.conv1.weight": torch.zeros(1)}, state, layout)


def test_the_papers_variant_computes_something_else_and_has_no_layout() -> None:
    network = build(in_channels=3, num_classes=4, encoder="mobilenetv3_small_050")
    with pytest.raises(ModelFileError, match=r"no LR-ASPP that computes what this network does.*variant=torchvision"):
        LAYOUTS["torchvision"](network)


def _assert_same_tensors(ours: LRASPP, theirs: nn.Module) -> None:
    written = to_layout(ours.state_dict(), LAYOUTS["torchvision"](ours))
    expected = theirs.state_dict()
    assert written.keys() == expected.keys()
    for name, tensor in expected.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(written[name], tensor, rtol=1e-5, atol=1e-5)
