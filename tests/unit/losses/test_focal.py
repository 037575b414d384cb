from __future__ import annotations

import math

import pytest
import segmentation_models_pytorch as smp
import torch

from intarsia.losses import cross_entropy, focal_loss


def test_known_answer_by_hand() -> None:
    logits = torch.tensor([0.9, 0.1]).log().reshape(1, 2, 1, 1)
    expected = -(0.1**2) * math.log(0.9)
    assert focal_loss(logits, torch.tensor([[[0]]])).item() == pytest.approx(expected, rel=1e-5)


def test_gamma_zero_is_the_cross_entropy_to_the_bit() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 4, 6, 5, generator=generator)
    target = torch.randint(-1, 4, (2, 6, 5), generator=generator)
    weights = torch.rand(4, generator=generator)
    assert torch.equal(focal_loss(logits, target, 0.0, weights), cross_entropy(logits, target, weights))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_equals_smp_on_one_channel(gamma: float) -> None:
    # smp's multiclass form averages one binary problem a class, which is another loss; its binary form is the paper's.
    generator = torch.Generator().manual_seed(6)
    logits = torch.randn(2, 1, 6, 5, generator=generator) * 3
    target = torch.randint(0, 2, (2, 6, 5), generator=generator)
    theirs = smp.losses.FocalLoss("binary", gamma=gamma)(logits, target)
    torch.testing.assert_close(focal_loss(logits, target, gamma), theirs)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_certain_and_right_has_no_loss_and_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([1e4, -1e4]).reshape(1, 2, 1, 1).requires_grad_()
    loss = focal_loss(logits, torch.tensor([[[0]]]), gamma)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == 0
    assert torch.equal(gradient, torch.zeros_like(logits))
