"""The dual-resolution backbone."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from intarsia.nn.conv import ConvNormReLU
from intarsia.nn.residual import Residual, conv_norm
from intarsia.nn.scratch_encoder import ScratchEncoder


class DualResolutionEncoder(ScratchEncoder):
    """A trunk that parts into a branch that stays at stride 8 and one that goes down to 64 (§III).

    Args:
        in_channels: of the image.
        width: channels of the stem; the trunk ends with twice, the fine branch with 4 and the coarse with 16 times it.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.trunk = nn.Sequential(
            ConvNormReLU(in_channels, width, stride=2),
            ConvNormReLU(width, width, stride=2),
            *_activated(_stage(width, width)),
            *_activated(_stage(width, 2 * width, stride=2)),
        )
        self.exchanges = nn.ModuleList(
            [
                BilateralStage(2 * width, 2 * width, 4 * width),
                BilateralStage(2 * width, 4 * width, 8 * width),
            ]
        )
        self.fine = _bottleneck(2 * width, 2 * width)
        self.coarse = _bottleneck(8 * width, 8 * width, stride=2)
        self.out_channels = (4 * width, 16 * width)
        self.strides = (8, 64)

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`; both before their ReLU, with which the decoder begins."""
        fine = coarse = self.trunk(image)
        for exchange in self.exchanges:
            fine, coarse = exchange(fine, coarse)
        return [self.fine(fine), self.coarse(coarse)]

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one a block, then one a stage of both branches."""
        layers = [list(part.parameters()) for part in (*self.trunk, *self.exchanges)]
        layers.append([*self.fine.parameters(), *self.coarse.parameters()])
        return [layer for layer in layers if layer]  # a ReLU has none


class BilateralStage(nn.Module):
    """Both branches go on, the coarse one halving; then each receives what the other has found (§III).

    Args:
        fine_channels: of the fine branch, which stay.
        coarse_channels: of the coarse branch before; at first both branches are the trunk's features.
        out_channels: of the coarse branch after.
    """

    def __init__(self, fine_channels: int, coarse_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fine = _stage(fine_channels, fine_channels)
        self.coarse = _stage(coarse_channels, out_channels, stride=2)
        self.to_fine = conv_norm(out_channels, fine_channels, kernel_size=1)
        # As often halved as there are channels to double, and a ReLU before each halving but the first.
        halvings = (out_channels // fine_channels).bit_length() - 1
        widths = [fine_channels * 2**level for level in range(halvings + 1)]
        self.to_coarse = nn.Sequential(
            *(ConvNormReLU(before, before * 2, stride=2) for before in widths[:-2]),
            conv_norm(widths[-2], widths[-1], stride=2),
        )

    def forward(
        self,
        fine: Float[Tensor, "batch fine_channels height width"],
        coarse: Float[Tensor, "batch coarse_channels rows columns"],
    ) -> tuple[Tensor, Tensor]:
        """Fine features of the same shape, and coarse ones [B, out_channels, rows / 2, columns / 2]."""
        fine, coarse = self.fine(fine), self.coarse(coarse)
        # What is exchanged is what each branch has found alone, so that neither comes first.
        told_fine = functional.interpolate(
            self.to_fine(functional.relu(coarse)), fine.shape[-2:], mode="bilinear", align_corners=False
        )
        told_coarse = self.to_coarse(functional.relu(fine))
        return functional.relu(fine + told_fine), functional.relu(coarse + told_coarse)


def _stage(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Two residual blocks of two 3×3 convolutions; the ReLU after the last is left to the caller."""
    return nn.Sequential(
        _basic(in_channels, out_channels, stride), nn.ReLU(inplace=True), _basic(out_channels, out_channels)
    )


def _activated(stage: Iterable[nn.Module]) -> list[nn.Module]:
    return [*stage, nn.ReLU(inplace=True)]


def _basic(in_channels: int, out_channels: int, stride: int = 1) -> Residual:
    body = nn.Sequential(ConvNormReLU(in_channels, out_channels, stride=stride), conv_norm(out_channels, out_channels))
    return Residual(body, _projection(in_channels, out_channels, stride))


def _bottleneck(in_channels: int, width: int, stride: int = 1) -> Residual:
    """1×1, 3×3 and 1×1 convolutions, the last to twice the width."""
    body = nn.Sequential(
        ConvNormReLU(in_channels, width, kernel_size=1),
        ConvNormReLU(width, width, stride=stride),
        conv_norm(width, 2 * width, kernel_size=1),
    )
    return Residual(body, _projection(in_channels, 2 * width, stride))


def _projection(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return conv_norm(in_channels, out_channels, kernel_size=1, stride=stride)
