from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from intarsia.losses import cross_entropy


def test_known_answer_by_hand() -> None:
    # Two pixels count: −log 0.5 with weight 1 and −log 0.25 with weight 3; the third is ignored.
    logits = torch.tensor([[0.5, 0.75, 0.9], [0.5, 0.25, 0.1]]).log().reshape(1, 2, 1, 3)
    target = torch.tensor([[[0, 1, -1]]])
    assert cross_entropy(logits, target).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    weighted = cross_entropy(logits, target, torch.tensor([1.0, 3.0]))
    assert weighted.item() == pytest.approx((math.log(2) + 3 * math.log(4)) / 4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [torch.int16, torch.int64])
def test_equals_pytorch_in_value_and_gradient(weighted: bool, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(3, 5, 7, 9, generator=generator, requires_grad=True)
    target = torch.randint(-1, 5, (3, 7, 9), generator=generator).to(dtype)
    weights = torch.rand(5, generator=generator) if weighted else None
    ours = cross_entropy(logits, target, weights)
    theirs = F.cross_entropy(logits, target.long(), weight=weights, ignore_index=-1)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits))


def test_one_channel_equals_pytorchs_binary_form() -> None:
    logits = torch.randn(2, 1, 5, 6, generator=torch.Generator().manual_seed(0))
    target = torch.randint(0, 2, (2, 5, 6), generator=torch.Generator().manual_seed(1))
    expected = F.binary_cross_entropy_with_logits(logits[:, 0], target.float())
    torch.testing.assert_close(cross_entropy(logits, target), expected)
