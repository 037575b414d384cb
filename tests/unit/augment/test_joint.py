from __future__ import annotations

import torch
from torch import Tensor
from torchvision import tv_tensors

from intarsia.augment.joint import JointTransform, uniform


class _AddDrawn(JointTransform):
    def draw(self, height: int, width: int) -> float:
        return uniform(0.0, 1.0) + height * width

    def image(self, image: Tensor, drawn: float) -> Tensor:
        return image + drawn


class _Nothing(JointTransform):
    pass


def test_image_and_mask_go_to_their_own_methods_and_keep_their_kinds() -> None:
    image, mask = tv_tensors.Image(torch.zeros(2, 3, 4)), tv_tensors.Mask(torch.zeros(3, 4, dtype=torch.int16))
    torch.manual_seed(0)
    moved, kept = _AddDrawn()(image, mask)
    assert isinstance(moved, tv_tensors.Image)
    assert isinstance(kept, tv_tensors.Mask)
    assert 12 <= moved.min() == moved.max() <= 13
    assert torch.equal(kept, mask)
    assert not image.any()


def test_the_default_changes_nothing() -> None:
    image, mask = tv_tensors.Image(torch.rand(2, 3, 4)), tv_tensors.Mask(torch.ones(3, 4, dtype=torch.int16))
    same_image, same_mask = _Nothing()(image, mask)
    assert torch.equal(same_image, image)
    assert torch.equal(same_mask, mask)


def test_uniform_draws_from_the_global_generator_within_its_bounds() -> None:
    torch.manual_seed(1)
    first = [uniform(-2.0, 3.0) for _ in range(200)]
    torch.manual_seed(1)
    assert first == [uniform(-2.0, 3.0) for _ in range(200)]
    assert -2 <= min(first) < -1.5
    assert 2.5 < max(first) <= 3
    assert uniform(1.0, 1.0) == 1
