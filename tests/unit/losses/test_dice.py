from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.losses import dice_loss, soft_dice
from intarsia.losses.dice import _sum_by_class

FOREGROUND = torch.tensor([[0.9, 0.8, 0.1, 0.0], [0.7, 0.6, 0.2, 0.1], [0.1, 0.3, 0.1, 0.0], [0.0, 0.1, 0.0, 0.0]])
TRUTH = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.int16)


def test_the_worked_example() -> None:
    probabilities = torch.stack([1 - FOREGROUND, FOREGROUND]).unsqueeze(0)
    scores, present = soft_dice(probabilities, TRUTH.unsqueeze(0))
    assert scores[1].item() == pytest.approx(2 * 3.2 / (4.0 + 5))
    assert round(scores[1].item(), 3) == 0.711
    assert scores[0].item() == pytest.approx(2 * (16 - 4.0 - 5 + 3.2) / ((16 - 4.0) + (16 - 5)))
    assert present.all()


def test_the_worked_example_from_one_channel_of_logits() -> None:
    loss = dice_loss(FOREGROUND.logit(eps=1e-7).reshape(1, 1, 4, 4), TRUTH.unsqueeze(0), foreground_only=True)
    assert loss.item() == pytest.approx(1 - 6.4 / 9, abs=1e-5)


def test_ignored_pixels_are_left_out_of_numerator_and_denominator() -> None:
    probabilities = torch.tensor([[0.2, 0.6, 0.5], [0.8, 0.4, 0.5]]).reshape(1, 2, 1, 3)
    scores, _ = soft_dice(probabilities, torch.tensor([[[1, 0, -1]]]))
    torch.testing.assert_close(scores, torch.tensor([2 * 0.6 / (0.8 + 1), 2 * 0.8 / (1.2 + 1)]))


def test_absent_classes_are_left_out() -> None:
    logits = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randint(0, 2, (2, 5, 5), generator=torch.Generator().manual_seed(1)) * 2  # classes 0 and 2
    scores, present = soft_dice(logits.softmax(dim=1), target)
    assert present.tolist() == [True, False, True, False]
    assert scores[~present].tolist() == [0, 0]
    torch.testing.assert_close(dice_loss(logits, target), 1 - scores[present].mean())
    torch.testing.assert_close(dice_loss(logits, target, foreground_only=True), 1 - scores[2])


def test_background_alone_has_no_foreground_loss() -> None:
    assert dice_loss(torch.randn(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int16), foreground_only=True) == 0


def test_the_sums_run_over_the_batch_not_the_picture() -> None:
    logits = torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(2))
    target = torch.randint(-1, 3, (2, 4, 6), generator=torch.Generator().manual_seed(3))
    side_by_side = torch.cat(list(logits), dim=-1).unsqueeze(0), torch.cat(list(target), dim=-1).unsqueeze(0)
    torch.testing.assert_close(dice_loss(logits, target), dice_loss(*side_by_side))


def test_equals_smp_where_every_class_is_present() -> None:
    logits = torch.randn(3, 4, 8, 9, generator=torch.Generator().manual_seed(4), requires_grad=True)
    target = torch.randint(0, 4, (3, 8, 9), generator=torch.Generator().manual_seed(5))
    ours = dice_loss(logits, target)
    theirs = smp.losses.DiceLoss("multiclass", from_logits=True, smooth=0.0)(logits, target)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits))


def test_perfect_prediction_has_no_loss() -> None:
    target = torch.randint(0, 3, (2, 5, 7), generator=torch.Generator().manual_seed(6))
    logits = 100 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    assert dice_loss(logits, target).item() == pytest.approx(0, abs=1e-6)


@given(st.permutations(range(4)), st.integers(0, 1000))
def test_permuting_classes_permutes_scores(order: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.randn(2, 4, 3, 5, generator=generator).softmax(dim=1)
    target = torch.randint(0, 4, (2, 3, 5), generator=generator)
    scores, present = soft_dice(probabilities, target)
    permuted, permuted_present = soft_dice(probabilities[:, order], torch.tensor(order).argsort()[target])
    torch.testing.assert_close(permuted, scores[order])
    assert torch.equal(permuted_present, present[order])


def test_sums_of_many_pixels_stay_exact() -> None:
    # 0.3 added 20 million times to a single float32 comes to 6.2 million instead of 6.
    values = torch.full((1, 4000, 5000), 0.3)
    total = _sum_by_class(values, torch.zeros(values.shape, dtype=torch.int64), 1)
    assert total.item() == pytest.approx(6e6, rel=1e-4)
