from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from intarsia.augment import photometric
from intarsia.augment.joint import JointTransform
from intarsia.augment.photometric import RandomLight, RandomNoise


def run(transform: JointTransform, image: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    mask = tv_tensors.Mask(torch.zeros(image.shape[1:], dtype=torch.int16))
    changed, same_mask = transform(tv_tensors.Image(image), mask)
    assert torch.equal(same_mask, mask)
    plain: Tensor = changed.as_subclass(Tensor)
    return plain


def test_light_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photometric, "uniform", lambda low, high: high)
    image = torch.tensor([0.3, 0.5, 0.6, 0.8]).reshape(2, 1, 2)  # channel means 0.4 and 0.7
    changed = run(RandomLight(brightness=0.1, contrast=1.0), image)
    assert changed.flatten().tolist() == pytest.approx([0.3, 0.7, 0.6, 1.0])


def test_light_stays_in_its_range_and_stretches_as_often_as_it_shrinks() -> None:
    image = torch.tensor([0.45, 0.55]).reshape(1, 1, 2)
    factors = torch.tensor([run(RandomLight(0.0, 0.5), image, seed).diff().item() / 0.1 for seed in range(300)])
    assert 1 / 1.5 - 1e-3 <= factors.min() < 0.7
    assert 1.4 < factors.max() <= 1.5 + 1e-3
    assert factors.log().mean().abs() < 0.05


def test_noise_has_the_spread_it_drew() -> None:
    image = torch.full((5, 60, 60), 0.5)
    spreads = [run(RandomNoise(0.1), image, seed).std().item() for seed in range(40)]
    assert min(spreads) < 0.02
    assert 0.08 < max(spreads) < 0.105
    assert run(RandomNoise(0.1), image).mean().item() == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("transform", [RandomLight(0.9, 3.0), RandomNoise(2.0)])
def test_any_number_of_channels_clamped_and_the_input_untouched(channels: int, transform: JointTransform) -> None:
    image = torch.rand(channels, 9, 8, generator=torch.Generator().manual_seed(0))
    before = image.clone()
    changed = run(transform, image, seed=3)
    assert changed.shape == image.shape
    assert changed.dtype == torch.float32
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.equal(changed, before)
    assert torch.equal(image, before)
