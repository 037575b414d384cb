"""The convolution unit most decoders are made of."""

from __future__ import annotations

from torch import nn

from intarsia.nn.arguments import check_choice

NORMS = ("batch", "group")


def normalization(kind: str, channels: int) -> nn.Module:
    """A normalisation layer over ``channels``.

    Args:
        kind: "batch" (Ioffe & Szegedy 2015), or "group" (Wu & He 2018), which does not depend on the batch size.
        channels: of the features it normalises.

    Raises:
        RecipeError: an unknown ``kind``.
    """
    check_choice("norm", kind, NORMS)
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(group_count(channels), channels)


def group_count(channels: int) -> int:
    """How many groups share ``channels``: the largest divisor not above 32 that leaves four channels a group.

    32 groups are the default of Wu & He (2018, §3.1); groups of very few channels come near to instance normalisation,
    which they find worse (table 3).
    """
    most = min(32, max(1, channels // 4))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


class ConvNormReLU(nn.Sequential):
    """3×3 convolution, normalisation, ReLU; height and width stay.

    The convolution has no bias, for the normalisation subtracts it again. Its weights start after He et al. (2015),
    as the U-Net paper asks (§3: a Gaussian of deviation √(2/N), N inputs to a neuron).

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: see :func:`normalization`.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str = "batch") -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        super().__init__(conv, normalization(norm, out_channels), nn.ReLU(inplace=True))
