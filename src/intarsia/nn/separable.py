"""Convolutions split in two: over space in each channel alone, then over channels at each place alone."""

from __future__ import annotations

from torch import nn

from intarsia.nn.conv import ConvNormReLU, normalization


class SeparableConvNormReLU(nn.Sequential):
    """Depthwise convolution, 1×1 (pointwise) convolution, normalisation, ReLU; size stays, unless there is a stride.

    With k×k taps it costs up to k² times less than the whole convolution, parameters and arithmetic alike (Howard et
    al. 2017, arXiv:1704.04861, §3.1); dilated it is the "atrous separable convolution" of Chen et al. (2018,
    arXiv:1802.02611, §3.1).

    Args:
        in_channels: of the features it receives.
        out_channels: of the features it returns.
        norm: "batch" or "group".
        kernel_size: of the depthwise convolution, pixels a side, odd.
        stride: of the depthwise convolution, ≥ 1.
        dilation: pixels between the depthwise kernel's taps, ≥ 1.
        between: whether normalisation and ReLU also stand between the two, as in MobileNet.
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
        between: bool = False,
    ) -> None:
        padding = dilation * (kernel_size // 2)
        depthwise = nn.Conv2d(
            in_channels, in_channels, kernel_size, stride, padding, dilation, groups=in_channels, bias=False
        )
        # He et al. (2015) double the variance for the half a ReLU takes away; between the two there may be none.
        nn.init.kaiming_normal_(depthwise.weight, nonlinearity="relu" if between else "linear")
        pointwise, *after = ConvNormReLU(in_channels, out_channels, norm, kernel_size=1)
        inner = (normalization(norm, in_channels), nn.ReLU(inplace=True)) if between else ()
        super().__init__(nn.Sequential(depthwise, *inner, pointwise), *after)
