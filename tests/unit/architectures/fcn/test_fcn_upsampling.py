from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from intarsia.architectures.fcn.upsampling import LearnedUpsampling, bilinear_kernel


@pytest.mark.parametrize("factor", [2, 4, 8, 32])
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (5, 4)], ids=str)
def test_it_starts_as_bilinear_interpolation_borders_included(factor: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    scores = torch.randn(2, 3, *size)
    expected = functional.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(LearnedUpsampling(3, factor)(scores), expected, rtol=1e-5, atol=1e-6)


def test_the_kernel_is_symmetric_and_every_pixel_gets_a_whole_cell() -> None:
    kernel = bilinear_kernel(2)
    torch.testing.assert_close(kernel[0], torch.tensor([0.25, 0.75, 0.75, 0.25]) * 0.25)
    for factor in (2, 8):
        kernel = bilinear_kernel(factor)
        assert torch.equal(kernel, kernel.flip(0, 1))
        assert torch.equal(kernel, kernel.T)
        phases = kernel.reshape(2, factor, 2, factor).sum(dim=(0, 2))
        torch.testing.assert_close(phases, torch.ones(factor, factor))


def test_each_class_has_its_own_kernel_that_learns() -> None:
    upsampling = LearnedUpsampling(3, 2)
    assert upsampling.conv.weight.shape == (3, 1, 4, 4)
    upsampling(torch.rand(1, 3, 2, 2))[:, 1].sum().backward()
    gradient = upsampling.conv.weight.grad
    assert gradient is not None
    assert [bool(kernel.any()) for kernel in gradient] == [False, True, False]
