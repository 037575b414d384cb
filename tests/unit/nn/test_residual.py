from __future__ import annotations

import torch
from torch import nn

from intarsia.nn.residual import Residual, conv_norm


def test_the_sum_of_body_and_shortcut() -> None:
    features = torch.randn(2, 3, 8, 6)
    body = conv_norm(3, 3).eval()
    torch.testing.assert_close(Residual(body)(features), body(features) + features)
    halved, shortcut = conv_norm(3, 5, stride=2).eval(), conv_norm(3, 5, kernel_size=1, stride=2).eval()
    torch.testing.assert_close(Residual(halved, shortcut)(features), halved(features) + shortcut(features))


def test_no_relu_follows_the_convolution() -> None:
    unit = conv_norm(2, 4, "group", kernel_size=1)
    assert [type(layer) for layer in unit] == [nn.Conv2d, nn.GroupNorm]
    assert unit(torch.randn(1, 2, 5, 7)).min() < 0
