from __future__ import annotations

import pytest
import timm
import torch

from contract.tiny_swin import SIZES, swin_test
from intarsia.nn.encoders import TimmEncoder


def _pair() -> tuple[TimmEncoder, torch.nn.Module]:
    torch.manual_seed(0)
    ours = TimmEncoder(swin_test.__name__, in_channels=3).eval()
    theirs = timm.create_model(swin_test.__name__, features_only=True, strict_img_size=False, always_partition=True)
    theirs.load_state_dict(ours.features.state_dict())
    return ours, theirs.eval()


def test_features_equal_timms_where_windows_divide_them() -> None:
    ours, theirs = _pair()
    image = torch.randn(2, 3, 128, 256)
    with torch.no_grad():
        for found, expected in zip(ours(image), theirs(image), strict=True):
            torch.testing.assert_close(found, expected.permute(0, 3, 1, 2), rtol=1e-5, atol=1e-5)


def test_opposite_borders_do_not_see_each_other() -> None:
    ours, theirs = _pair()
    length = 4 * 4 * SIZES["window_size"] + 4  # of cells at stride 4, windows hold all but one
    image = torch.randn(1, 3, 32, length)
    other = image.clone()
    other[..., :4] += 1  # the first column of cells, which the shift brings to the last

    def changed(network: torch.nn.Module, axis: int) -> bool:
        with torch.no_grad():
            before, after = network(image)[0], network(other)[0]
        return bool((before != after).select(axis, -1).any())

    assert not changed(ours, axis=3)
    assert changed(theirs, axis=2)  # which is why blocks are replaced


@pytest.mark.parametrize("size", [(32, 32), (32, 64), (96, 160)], ids=str)
def test_any_multiple_of_the_stride_gives_features_at_every_level(size: tuple[int, int]) -> None:
    ours, _ = _pair()
    with torch.no_grad():
        shapes = [tuple(feature.shape[2:]) for feature in ours(torch.randn(1, 3, *size))]
    assert shapes == [(size[0] // stride, size[1] // stride) for stride in (4, 8, 16, 32)]
