"""Swin transformers of timm (Liu et al. 2021, arXiv:2103.14030) at any size of image."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

ANY_SIZE = {"strict_img_size": False, "always_partition": True}
"""Arguments of timm's Swins: take every size, and keep windows as they are where features are smaller than one."""

# What is added to the score of two cells that a window holds only because it was shifted, as published.
_APART = -100.0


def is_swin(name: str) -> bool:
    """Whether the timm model of this name is a Swin of the first version."""
    return name.startswith("swin_")


def pad_before_shifting(features: nn.Module) -> None:
    """Put :class:`WindowBlock` in the place of every block of a feature network, in place; tensors keep their names.

    Args:
        features: a Swin that timm made a feature network of.
    """
    stages: dict[str, Any] = dict(features.named_children())
    for name, stage in stages.items():
        if name.startswith("layers_"):
            stage.blocks = nn.Sequential(*map(WindowBlock, stage.blocks))


class WindowBlock(nn.Module):
    """A block of a Swin as its authors compute it, where windows do not divide the features: padded, then shifted.

    timm shifts first. The padding then lies behind the cells that came round from the opposite border, and the mask,
    drawn for the other order, lets them attend to each other; weights trained elsewhere give other features.

    Args:
        block: timm's, whose parts it takes over.
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.attn, self.drop_path1 = block.norm1, block.attn, block.drop_path1
        self.norm2, self.mlp, self.drop_path2 = block.norm2, block.mlp, block.drop_path2
        self.window: tuple[int, int] = block.window_size
        self.shift: tuple[int, int] = block.shift_size

    def forward(
        self, features: Float[Tensor, "batch rows columns channels"]
    ) -> Float[Tensor, "batch rows columns channels"]:
        """Each window's cells attend to each other, then every cell passes a small network."""
        features = features + self.drop_path1(self._attend(self.norm1(features)))
        result: Tensor = features + self.drop_path2(self.mlp(self.norm2(features)))
        return result

    def _attend(self, features: Tensor) -> Tensor:
        batch, rows, columns, channels = features.shape
        (height, width), (down, right) = self.window, self.shift
        padded = functional.pad(features, (0, 0, 0, -columns % width, 0, -rows % height))
        shifted = padded.roll((-down, -right), dims=(1, 2)) if down or right else padded
        windows = _windows(shifted, self.window)
        attended = self.attn(windows, self._mask(shifted) if down or right else None)
        grid = (batch, shifted.shape[1] // height, shifted.shape[2] // width, height, width, channels)
        merged: Tensor = attended.reshape(grid).transpose(2, 3).reshape(shifted.shape)
        merged = merged.roll((down, right), dims=(1, 2)) if down or right else merged
        return merged[:, :rows, :columns]

    def _mask(self, shifted: Tensor) -> Float[Tensor, "windows cells cells"]:
        """What to add to the scores, so that cells from opposite borders, brought together by the shift, stay apart."""
        regions = [
            _region(length, window, shift, shifted)
            for length, window, shift in zip(shifted.shape[1:3], self.window, self.shift, strict=True)
        ]
        cells = _windows((3 * regions[0][:, None] + regions[1])[None, ..., None], self.window)[..., 0]
        apart = cells[:, :, None] != cells[:, None, :]
        return apart.to(shifted.dtype) * _APART


def _region(length: int, window: int, shift: int, like: Tensor) -> Tensor:
    """Along one axis: 0 for whole windows, 1 and 2 for the two parts of the last, which were at opposite borders."""
    index = torch.arange(length, device=like.device)
    return (index >= length - window).long() + (index >= length - shift).long()


def _windows(features: Tensor, window: tuple[int, int]) -> Tensor:
    """[B, H, W, C] → [B · windows, cells, C], for H and W that windows divide."""
    batch, rows, columns, channels = features.shape
    height, width = window
    grid = features.reshape(batch, rows // height, height, columns // width, width, channels)
    return grid.transpose(2, 3).reshape(-1, height * width, channels)
