from __future__ import annotations

import pytest
import torch

from intarsia.ops.valid import valid_pixels


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64])
def test_ignored_pixels_are_marked_and_made_safe(dtype: torch.dtype) -> None:
    valid, classes = valid_pixels(torch.tensor([[[0, -1], [3, -1]]], dtype=dtype))
    assert valid.tolist() == [[[True, False], [True, False]]]
    assert classes.tolist() == [[[0, 0], [3, 0]]]
    assert classes.dtype == torch.int64


def test_any_other_negative_index_is_left_to_fail_at_the_lookup() -> None:
    valid, classes = valid_pixels(torch.tensor([-2]))
    assert valid.all()
    assert classes.item() == -2
    with pytest.raises(RuntimeError):
        torch.zeros(3).gather(0, classes)


def test_the_target_itself_is_not_changed() -> None:
    target = torch.tensor([-1, 2])
    valid_pixels(target)
    assert target.tolist() == [-1, 2]
