"""The convolution units most decoders are made of."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

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
    return BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(group_count(channels), channels)


def group_count(channels: int) -> int:
    """How many groups share ``channels``: the largest divisor not above 32 that leaves four channels a group.

    32 groups are the default of Wu & He (2018, §3.1); groups of very few channels come near to instance normalisation,
    which they find worse (table 3).
    """
    most = min(32, max(1, channels // 4))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that also trains where a channel has one value: globally pooled features of one image.

    PyTorch refuses there, for one value has no variance. Here the running statistics serve instead, as in evaluation.
    """

    def forward(self, input: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Normalise; see :class:`torch.nn.BatchNorm2d`."""
        if self.training and input.shape[0] * input.shape[2] * input.shape[3] == 1:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
            )
        return super().forward(input)


class ConvNormReLU(nn.Sequential):
    """Convolution, normalisation, ReLU; height and width stay, unless there is a stride.

    The convolution has no bias, for the normalisation subtracts it again. Its weights start after He et al. (2015),
    as the U-Net paper asks (§3: a Gaussian of deviation √(2/N), N inputs to a neuron).

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: see :func:`normalization`.
        kernel_size: pixels a side, odd.
        stride: ≥ 1.
        dilation: pixels between the kernel's taps, ≥ 1.
        groups: into how many parts the channels fall; ``in_channels`` makes it depthwise.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: str = "batch",
        *,
        kernel_size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        padding = dilation * (kernel_size // 2)
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        super().__init__(conv, normalization(norm, out_channels), nn.ReLU(inplace=True))


class DoubleConv(nn.Sequential):
    """Twice 3×3 convolution, normalisation, ReLU; height and width stay (Ronneberger et al. 2015, §2).

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: "batch" or "group".
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__(ConvNormReLU(in_channels, out_channels, norm), ConvNormReLU(out_channels, out_channels, norm))
