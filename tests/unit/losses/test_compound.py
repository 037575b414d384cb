from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import RecipeError, ShapeError
from intarsia.losses import (
    LOSSES,
    binary_cross_entropy_dice,
    build_loss,
    cross_entropy,
    cross_entropy_dice,
    dice_loss,
    focal_loss,
)
from intarsia.types import SemanticLogits

EVERY_LOSS = pytest.mark.parametrize("name", sorted(LOSSES))
SIZES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))


def value_and_gradient(name: str, logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits = logits.clone().requires_grad_()
    value = build_loss(name)(SemanticLogits(logits), target)
    (gradient,) = torch.autograd.grad(value, logits)
    return value.detach(), gradient


def case(size: tuple[int, int, int], channels: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch, height, width = size
    logits = torch.randn(batch, channels, height, width, generator=generator)
    return logits, torch.randint(-1, 2, size, generator=generator).to(torch.int16)


@EVERY_LOSS
@given(size=SIZES, channels=st.sampled_from([1, 2]), seed=st.integers(0, 1000), what=st.floats(0, 2.0**127))
def test_ignored_pixels_change_neither_value_nor_gradient(
    name: str, size: tuple[int, int, int], channels: int, seed: int, what: float
) -> None:
    logits, target = case(size, channels, seed)
    ignored = (target == -1).unsqueeze(1).expand_as(logits)
    signs = torch.randint(-1, 2, logits.shape, generator=torch.Generator().manual_seed(seed)).float()
    value, gradient = value_and_gradient(name, logits, target)
    other_value, other_gradient = value_and_gradient(name, torch.where(ignored, what * signs, logits), target)
    assert torch.equal(value, other_value)
    assert torch.equal(gradient, other_gradient)
    assert not gradient[ignored].any()


@EVERY_LOSS
@given(size=SIZES, channels=st.sampled_from([1, 2]))
def test_an_all_ignored_batch_gives_zero_still_attached_to_the_graph(
    name: str, size: tuple[int, int, int], channels: int
) -> None:
    logits, target = case(size, channels, seed=0)
    value, gradient = value_and_gradient(name, logits, torch.full_like(target, -1))
    assert value.item() == 0
    assert torch.equal(gradient, torch.zeros_like(logits))


@EVERY_LOSS
@given(size=SIZES, seed=st.integers(0, 1000), spread=st.sampled_from([1.0, 30.0, 1e4]))
def test_one_channel_equals_two(name: str, size: tuple[int, int, int], seed: int, spread: float) -> None:
    logits, target = case(size, 1, seed)
    logits = logits * spread
    one, one_gradient = value_and_gradient(name, logits, target)
    two, two_gradient = value_and_gradient(name, torch.cat([torch.zeros_like(logits), logits], dim=1), target)
    assert torch.equal(one, two)
    assert torch.equal(one_gradient, two_gradient[:, 1:])
    torch.testing.assert_close(two_gradient[:, 0], -two_gradient[:, 1])


@EVERY_LOSS
def test_gradient_by_finite_differences(name: str) -> None:
    logits, target = case((2, 3, 4), 2, seed=1)
    loss = build_loss(name, dice_weight=0.7, gamma=1.5)
    assert torch.autograd.gradcheck(
        lambda x: loss(SemanticLogits(x), target), logits.double().requires_grad_(), check_undefined_grad=False
    )


@EVERY_LOSS
def test_half_precision_logits_under_autocast_are_summed_in_single(name: str) -> None:
    logits, target = case((2, 64, 64), 2, seed=2)
    half = logits.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = build_loss(name)(SemanticLogits(half), target)
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, build_loss(name)(SemanticLogits(half.float()), target))


@EVERY_LOSS
def test_certain_and_wrong_is_finite_in_value_and_gradient(name: str) -> None:
    target = torch.tensor([[[0, 1], [1, 0]]])
    logits = torch.stack([2e4 * target.float() - 1e4, 1e4 - 2e4 * target.float()], dim=1)
    value, gradient = value_and_gradient(name, logits, target)
    expected = {"ce": 2e4, "focal": 2e4, "dice": 1.0, "ce_dice": 2e4 + 1, "bce_dice": 2e4 + 1}[name]
    assert value.item() == pytest.approx(expected)
    assert gradient.isfinite().all()


@EVERY_LOSS
def test_a_network_that_broke_is_not_hidden(name: str) -> None:
    logits, target = case((1, 4, 4), 2, seed=3)
    target[0, 0, 0], logits[0, 0, 0, 0] = 1, torch.nan
    assert value_and_gradient(name, logits, target)[0].isnan()


def test_the_sums_are_what_they_say() -> None:
    logits, target = case((2, 6, 5), 2, seed=4)
    weights = torch.tensor([0.3, 2.0])
    entropy = cross_entropy(logits, target, weights)
    both = cross_entropy_dice(logits, target, weights, dice_weight=0.5)
    torch.testing.assert_close(both, entropy + 0.5 * dice_loss(logits, target))
    binary = binary_cross_entropy_dice(logits, target, weights, dice_weight=0.5)
    torch.testing.assert_close(binary, entropy + 0.5 * dice_loss(logits, target, foreground_only=True))


def test_names_lead_to_the_functions() -> None:
    logits, target = case((2, 6, 5), 2, seed=5)
    weights, output = torch.tensor([0.3, 2.0]), SemanticLogits(logits)
    for name, expected in {
        "ce": cross_entropy(logits, target, weights),
        "focal": focal_loss(logits, target, 3.0, weights),
        "ce_dice": cross_entropy_dice(logits, target, weights, 0.5),
        "bce_dice": binary_cross_entropy_dice(logits, target, weights, 0.5),
    }.items():
        assert torch.equal(
            build_loss(name, class_weights=weights, dice_weight=0.5, gamma=3.0)(output, target), expected
        )
    assert torch.equal(build_loss("dice")(output, target), dice_loss(logits, target))
    assert torch.equal(build_loss()(output, target), cross_entropy_dice(logits, target))


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no loss 'ce_dise'.*Did you mean 'ce_dice'.*bce_dice, ce, ce_dice"):
        build_loss("ce_dise")
    with pytest.raises(RecipeError, match="Did you mean"):
        build_loss("")


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(RecipeError, match=r"gamma: -1.0 is not a number from 0 up. Give 0 or more"):
        build_loss("focal", gamma=-1.0)
    with pytest.raises(RecipeError, match="dice_weight: nan"):
        build_loss(dice_weight=float("nan"))
    with pytest.raises(RecipeError, match=r"class_weights: the Dice loss.*choose ce_dice"):
        build_loss("dice", class_weights=torch.ones(2))


def test_outputs_and_targets_that_do_not_fit() -> None:
    logits, target = case((2, 6, 5), 3, seed=6)
    with pytest.raises(TypeError, match="take SemanticLogits, and the network returned Tensor"):
        build_loss()(logits, target)  # type: ignore[arg-type] # on purpose
    with pytest.raises(ShapeError, match=r"the output is of \(2, 6, 5\) and the target is \(2, 5, 6\).*\(2, 6, 5\)"):
        build_loss()(SemanticLogits(logits), target.mT)
    with pytest.raises(ShapeError, match=r"2 weights and 3 classes.*one weight a class"):
        build_loss(class_weights=torch.ones(2))(SemanticLogits(logits), target)
    with pytest.raises(ShapeError, match=r"two classes, and the network has 3.*ce_dice"):
        build_loss("bce_dice")(SemanticLogits(logits), target)
