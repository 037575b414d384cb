"""Features equal timm's own, and logits those of DINOv2's linear segmenters, whose head is written out here."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from intarsia.architectures.vit import ViT, build
from intarsia.architectures.vit.convert import LAYOUTS
from intarsia.nn.layouts import from_layout


def _randomise(network: nn.Module) -> dict[str, Tensor]:
    """Give weights and running statistics values that differ everywhere, so that a swapped pair would show."""
    state: dict[str, Tensor] = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point():
            tensor.normal_(std=1.4 * tensor[0].numel() ** -0.5 if name.endswith("weight") else 0.1)
    return state


def _pair(name: str) -> tuple[ViT, Any]:
    """Ours, and timm's model at the one size of image it is made for, its position embeddings untouched."""
    torch.manual_seed(0)
    theirs = timm.create_model(name)
    ours = build(in_channels=3, num_classes=3, encoder=name, levels=3)
    ours.load_encoder_weights(_randomise(theirs))
    return ours.eval(), theirs.eval()


@pytest.mark.parametrize(("name", "blocks"), [("test_vit", [1, 3, 5]), ("test_vit3", [2, 5, 8])])
def test_features_equal_timms_at_the_size_its_positions_are_for(name: str, blocks: list[int]) -> None:
    ours, theirs = _pair(name)
    image = torch.randn(2, 3, *theirs.patch_embed.img_size)
    with torch.no_grad():
        expected = theirs.forward_intermediates(image, indices=blocks, norm=True, intermediates_only=True)
        torch.testing.assert_close(ours.encoder(image), expected, rtol=1e-5, atol=1e-5)


def test_features_equal_timms_at_another_size() -> None:
    ours, theirs = _pair("test_vit")
    image = torch.randn(2, 3, 48, 80)
    theirs.set_input_size((48, 80))
    with torch.no_grad():
        expected = theirs.forward_intermediates(image, indices=[1, 3, 5], norm=True, intermediates_only=True)
        torch.testing.assert_close(ours.encoder(image), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [False, True], ids=["in evaluation", "in training"])
def test_logits_equal_dinov2s_linear_segmenter(training: bool) -> None:
    """Its head, as released: batch-normalise the last level, one 1×1 convolution, enlarge."""
    torch.manual_seed(0)
    backbone: Any = timm.create_model("vit_small_patch14_dinov2", num_classes=0, dynamic_img_size=True)
    head = nn.ModuleDict({"bn": nn.BatchNorm2d(384), "conv_seg": nn.Conv2d(384, 3, 1)})
    released = {f"decode_head.{key}": tensor for key, tensor in _randomise(head).items()}
    ours = build(in_channels=3, num_classes=3, encoder="vit_small_patch14_dinov2", levels=1)
    given = {**_randomise(backbone), **released, "mask_token": torch.zeros(1, 384)}
    ours.load_state_dict(from_layout(given, ours.state_dict(), LAYOUTS["dinov2"](ours)))
    for network in (ours, backbone, head):
        network.train(training)
    image = torch.randn(2, 3, 42, 70)
    with torch.no_grad():
        (features,) = backbone.get_intermediate_layers(image, n=1, reshape=True, norm=True)
        logits = head["conv_seg"](head["bn"](features))
        expected = functional.interpolate(logits, (42, 70), mode="bilinear", align_corners=False)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
