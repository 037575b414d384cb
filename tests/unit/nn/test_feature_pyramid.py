from __future__ import annotations

import pytest
import torch
from torch import nn

from intarsia.nn.feature_pyramid import FeaturePyramid, finer_levels


def _plain(levels: int, mode: str = "nearest") -> FeaturePyramid:
    return FeaturePyramid([nn.Identity() for _ in range(levels)], [nn.Identity() for _ in range(levels)], mode)


def test_each_level_is_the_sum_of_itself_and_all_coarser_ones() -> None:
    finest, middle, coarsest = torch.full((1, 1, 4, 8), 1.0), torch.full((1, 1, 2, 4), 10.0), torch.ones(1, 1, 1, 2)
    coarsest[..., 1] = 2
    merged = _plain(3)([finest, middle, 100 * coarsest])
    assert merged[2].flatten().tolist() == [100, 200]
    assert merged[1][0, 0].tolist() == [[110, 110, 210, 210]] * 2
    assert merged[0][0, 0].tolist() == [[111] * 4 + [211] * 4] * 4


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_sizes_need_not_double(mode: str) -> None:
    sizes = [(9, 5), (4, 3), (4, 3), (1, 1)]
    features = [torch.randn(2, 3, *size) for size in sizes]
    assert [level.shape for level in _plain(4, mode)(features)] == [(2, 3, *size) for size in sizes]


def test_laterals_and_outputs_belong_to_their_levels() -> None:
    laterals = [nn.Conv2d(count, 4, kernel_size=1) for count in (2, 3, 5)]
    outputs = [nn.Conv2d(4, count, kernel_size=1) for count in (6, 7, 8)]
    features = [torch.randn(1, count, 8 // 2**level, 8 // 2**level) for level, count in enumerate((2, 3, 5))]
    shapes = [level.shape for level in FeaturePyramid(laterals, outputs, "bilinear")(features)]
    assert shapes == [(1, 6, 8, 8), (1, 7, 4, 4), (1, 8, 2, 2)]


@pytest.mark.parametrize(
    ("strides", "finer"), [((1, 2, 4, 8), 2), ((2, 4, 8, 16, 32), 1), ((4, 8, 16, 32), 0), ((8, 16), 0)]
)
def test_pyramids_begin_at_stride_four(strides: tuple[int, ...], finer: int) -> None:
    assert finer_levels(strides) == finer
