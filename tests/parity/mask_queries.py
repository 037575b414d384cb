"""What the parity tests of mask-query networks share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import SwinConfig, TimmBackboneConfig

from contract import tiny_swin
from intarsia.nn.mask_query_network import MaskQueryNetwork

TINY: dict[str, Any] = {"num_classes": 4, "queries": 6, "width": 32, "pixel_layers": 2, "decoder_layers": 4}
"""Arguments of our networks."""

TINY_THERE: dict[str, Any] = {
    "num_labels": 4,
    "num_queries": 6,
    "hidden_dim": 32,
    "encoder_feedforward_dim": 128,
    "dim_feedforward": 256,
    "encoder_layers": 2,
    "decoder_layers": 5,
}
"""The same in a configuration of theirs."""


def backbone(encoder: str) -> Any:
    """Their configuration of the encoder that ours is given by name."""
    if encoder == "swin_test":
        sizes = {**tiny_swin.SIZES, "out_features": ["stage1", "stage2", "stage3", "stage4"]}
        return SwinConfig(**sizes)
    levels: dict[str, Any] = {"out_indices": [1, 2, 3, 4]}
    return TimmBackboneConfig(backbone=encoder, **levels)


def published(theirs: Any, folder: Path) -> dict[str, Tensor]:
    """Make every tensor of the network random and read the file it saves itself to."""
    torch.manual_seed(0)
    for name, tensor in theirs.state_dict().items():
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.uniform_(0.5, 1.5)
        elif tensor.ndim == 1 and tensor.is_floating_point():
            tensor.normal_(std=0.1)
        elif tensor.is_floating_point() and tensor.ndim > 1:
            tensor.normal_(std=tensor[0].numel() ** -0.5)
    theirs.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def all_layers(ours: MaskQueryNetwork, image: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Class and mask logits of every layer, in evaluation too."""
    with torch.no_grad():
        layers: list[tuple[Tensor, Tensor]] = ours.decoder(ours.encoder(image)[-4:])
    return layers


def assert_equal(found: list[tuple[Tensor, Tensor]], expected: list[tuple[Tensor, Tensor]]) -> None:
    assert len(found) == len(expected)
    for (classes, masks), (their_classes, their_masks) in zip(found, expected, strict=True):
        assert their_classes.std() > 0.1
        assert their_masks.std() > 0.1
        torch.testing.assert_close(classes, their_classes, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(masks, their_masks, rtol=1e-5, atol=1e-5 * float(their_masks.abs().max()))
