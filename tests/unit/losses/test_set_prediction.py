from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from intarsia.errors import RecipeError, ShapeError
from intarsia.losses import build_loss, set_prediction_loss
from intarsia.losses.set_prediction import cell_truth
from intarsia.types import MaskQueries, SemanticLogits

CLASSES = 3
SIZES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
STRIDES = st.integers(1, 4)


def case(
    size: tuple[int, int, int],
    stride: int = 2,
    queries: int = 5,
    seed: int = 0,
    least: int = -1,
    classes: int = CLASSES,
) -> tuple[MaskQueries, Tensor]:
    """Random queries, the grid one cell larger than it need be, and a random truth."""
    generator = torch.Generator().manual_seed(seed)
    batch, height, width = size
    cells = (-(-height // stride) + 1, -(-width // stride) + 1)
    output = MaskQueries(
        2 * torch.randn(batch, queries, classes + 1, generator=generator),
        2 * torch.randn(batch, queries, *cells, generator=generator),
        (height, width),
        stride,
    )
    return output, torch.randint(least, classes, size, generator=generator).to(torch.int16)


def changed(output: MaskQueries, **tensors: Any) -> MaskQueries:
    parts = {"class_logits": output.class_logits, "mask_logits": output.mask_logits, "auxiliary": output.auxiliary}
    return MaskQueries(**{**parts, **tensors}, size=output.size, stride=output.stride)


def value_and_gradients(output: MaskQueries, target: Tensor, **settings: Any) -> tuple[Tensor, Tensor, Tensor]:
    classes, masks = (t.clone().requires_grad_() for t in (output.class_logits, output.mask_logits))
    value = set_prediction_loss(changed(output, class_logits=classes, mask_logits=masks), target, **settings)
    of_classes, of_masks = torch.autograd.grad(value, (classes, masks))
    return value.detach(), of_classes, of_masks


@given(size=SIZES, stride=STRIDES, seed=st.integers(0, 1000))
def test_cells_hold_the_shares_of_their_pixels(size: tuple[int, int, int], stride: int, seed: int) -> None:
    output, target = case(size, stride, seed=seed)
    rows, columns = output.mask_logits.shape[-2:]
    truth = cell_truth(target, rows, columns, stride, CLASSES)
    for cell in range(rows * columns):
        y, x = stride * (cell // columns), stride * (cell % columns)
        pixels = target[:, y : y + stride, x : x + stride].flatten(1)
        counts = torch.stack([(pixels == index).sum(dim=1) for index in range(CLASSES)], dim=1)
        assert torch.equal(truth.classes[:, cell], counts / stride**2)
        torch.testing.assert_close(truth.valid[:, cell], counts.sum(dim=1) / stride**2)


def test_known_answer_by_hand() -> None:
    # One cell of two pixels a side, three of the one class and one void; the first query is the better one for it.
    class_logits = torch.tensor([[0.6, 0.4], [0.2, 0.8]]).log().unsqueeze(0)
    mask_logits = torch.tensor([0.5, 0.1]).logit().reshape(1, 2, 1, 1)
    target = torch.tensor([[[1, 1], [1, -1]]])
    entropy = -(math.log(0.6) + 0.1 * math.log(0.8)) / 1.1
    dice = 1 - 2 * 0.5 * 0.75 / (0.5 * 0.75 + 0.75)
    expected = 2 * entropy + 5 * math.log(2) + 5 * dice
    output = MaskQueries(class_logits, mask_logits, (2, 2), 2)
    assert set_prediction_loss(output, target).item() == pytest.approx(expected)
    without_dice = set_prediction_loss(output, target, dice_weight=0.0)
    assert without_dice.item() == pytest.approx(expected - 5 * dice)


def test_equals_transformers_where_its_points_are_all_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Mask2FormerConfig
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

    output, target = case((3, 12, 10), stride=2, queries=6, seed=3, least=0)
    cropped = output.mask_logits[..., :6, :5]
    earlier = case((3, 12, 10), stride=2, queries=6, seed=4)[0]
    earlier = changed(earlier, mask_logits=earlier.mask_logits[..., :6, :5])
    ours = changed(output, mask_logits=cropped, auxiliary=(earlier,))

    # Bilinear sampling at a cell's center averages its four pixels; repeating the points shrinks the smoothing
    # constant, which theirs has and ours has not, against the sums.
    rows, columns = torch.meshgrid((torch.arange(6) + 0.5) / 6, (torch.arange(5) + 0.5) / 5, indexing="ij")
    points = torch.stack([columns, rows], dim=-1).reshape(1, 30, 2).repeat(1, 4000, 1)
    monkeypatch.setattr(torch, "rand", lambda count, *_, **__: points.repeat(count, 1, 1))
    config = Mask2FormerConfig(train_num_points=points.shape[1], oversample_ratio=1.0, importance_sample_ratio=0.0)
    config.num_labels = CLASSES
    parts = Mask2FormerLoss(config, {})(
        cropped,
        output.class_logits,
        [torch.stack([mask == index for index in mask.unique()]).float() for mask in target],
        [mask.unique().long() for mask in target],
        [{"masks_queries_logits": earlier.mask_logits, "class_queries_logits": earlier.class_logits}],
    )
    factors = {"loss_cross_entropy": 2.0, "loss_mask": 5.0, "loss_dice": 5.0}
    theirs = sum(factors[name.removesuffix("_0")] * value for name, value in parts.items())
    torch.testing.assert_close(set_prediction_loss(ours, target), theirs, rtol=1e-4, atol=0)


@given(size=SIZES, stride=STRIDES, seed=st.integers(0, 1000), what=st.floats(0, 2.0**120))
def test_what_masks_say_at_void_changes_neither_value_nor_gradient(
    size: tuple[int, int, int], stride: int, seed: int, what: float
) -> None:
    output, target = case(size, stride, seed=seed)
    target[:, : size[1] // 2] = -1
    rows, columns = output.mask_logits.shape[-2:]
    void = (cell_truth(target, rows, columns, stride, CLASSES).valid == 0).reshape(-1, 1, rows, columns)
    void = void.expand_as(output.mask_logits)
    signs = torch.randint(-1, 2, void.shape, generator=torch.Generator().manual_seed(seed)).float()
    other = changed(output, mask_logits=torch.where(void, what * signs, output.mask_logits))
    results, others = value_and_gradients(output, target), value_and_gradients(other, target)
    for result, same in zip(results, others, strict=True):
        assert torch.equal(result, same)
    assert not results[2][void].any()


@given(size=SIZES, seed=st.integers(0, 1000))
def test_all_void_gives_zero_still_attached_to_the_graph(size: tuple[int, int, int], seed: int) -> None:
    output, target = case(size, seed=seed)
    value, of_classes, of_masks = value_and_gradients(output, torch.full_like(target, -1))
    assert value.item() == 0
    assert not of_classes.any()
    assert not of_masks.any()


def test_a_picture_that_is_all_void_changes_nothing() -> None:
    output, target = case((2, 7, 6), seed=1)
    target[1] = -1
    alone = changed(output, class_logits=output.class_logits[:1], mask_logits=output.mask_logits[:1])
    torch.testing.assert_close(set_prediction_loss(output, target), set_prediction_loss(alone, target[:1]))


@given(st.permutations(range(5)), st.permutations(range(CLASSES)), st.integers(0, 1000))
def test_the_order_of_queries_and_of_classes_means_nothing(queries: list[int], classes: list[int], seed: int) -> None:
    output, target = case((2, 8, 7), seed=seed)
    value, of_classes, of_masks = value_and_gradients(output, target)
    order = [*classes, CLASSES]
    other = changed(
        output, class_logits=output.class_logits[:, queries][:, :, order], mask_logits=output.mask_logits[:, queries]
    )
    renamed = torch.where(target < 0, target, torch.tensor(classes).argsort()[target.long()])
    other_value, other_of_classes, other_of_masks = value_and_gradients(other, renamed)
    torch.testing.assert_close(other_value, value)
    torch.testing.assert_close(other_of_classes, of_classes[:, queries][:, :, order])
    torch.testing.assert_close(other_of_masks, of_masks[:, queries])


def test_a_perfect_prediction_has_no_loss() -> None:
    target = torch.randint(0, 2, (2, 6, 5), generator=torch.Generator().manual_seed(2))
    shown = torch.nn.functional.one_hot(target, 2).movedim(-1, 1).float()
    masks = 200 * torch.cat([shown, torch.zeros_like(shown)], dim=1) - 100
    classes = torch.tensor([[100.0, 0, 0], [0, 100, 0], [0, 0, 100], [0, 0, 100]]).expand(2, -1, -1)
    assert set_prediction_loss(MaskQueries(classes, masks, (6, 5), 1), target).item() == pytest.approx(0, abs=1e-5)


def test_gradient_by_finite_differences() -> None:
    output, target = case((2, 5, 4), seed=5)
    weights = torch.tensor([0.5, 2.0, 1.0])
    assert torch.autograd.gradcheck(
        lambda c, m: set_prediction_loss(changed(output, class_logits=c, mask_logits=m), target, weights, 0.7),
        [t.double().requires_grad_() for t in (output.class_logits, output.mask_logits)],
    )


@pytest.mark.parametrize("spread", [1e2, 1e4])
def test_certain_and_wrong_is_finite_in_value_and_gradient(spread: float) -> None:
    output, target = case((2, 6, 5), seed=6)
    other = changed(output, class_logits=spread * output.class_logits, mask_logits=spread * output.mask_logits)
    assert all(result.isfinite().all() for result in value_and_gradients(other, target))


@pytest.mark.parametrize("part", ["class_logits", "mask_logits"])
def test_a_network_that_broke_is_not_hidden(part: str) -> None:
    output, target = case((1, 6, 5), seed=7)
    broken = getattr(output, part).clone()
    broken[0, 3, 0] = torch.nan
    assert set_prediction_loss(changed(output, **{part: broken}), target).isnan()


def test_a_class_the_network_does_not_have_fails_loudly() -> None:
    output, target = case((1, 6, 5), seed=8)
    target[0, 0, 0] = CLASSES
    with pytest.raises(RuntimeError, match="out of bounds"):
        set_prediction_loss(output, target)


def test_layers_are_added_up_whatever_their_grid() -> None:
    fine, target = case((2, 8, 6), stride=1, seed=9)
    coarse = case((2, 8, 6), stride=4, queries=3, seed=10)[0]
    both = set_prediction_loss(changed(fine, auxiliary=(coarse, fine)), target)
    expected = 2 * set_prediction_loss(fine, target) + set_prediction_loss(coarse, target)
    torch.testing.assert_close(both, expected)


def test_more_classes_than_queries_can_be_trained() -> None:
    output, target = case((2, 9, 9), queries=2, seed=11, classes=5)
    value, of_classes, of_masks = value_and_gradients(output, target)
    assert value.isfinite()
    assert of_classes.any(dim=2).all()
    assert of_masks.flatten(2).any(dim=2).all()


def test_a_class_smaller_than_a_cell_is_not_taught_to_vanish() -> None:
    target = torch.zeros(1, 8, 8, dtype=torch.int16)
    target[0, 1, 1] = 1
    output = MaskQueries(torch.tensor([[[9.0, 0, 0], [0, 9, 0]]]), torch.full((1, 2, 2, 2), -4.0), (8, 8), 4)
    without = value_and_gradients(output, target, dice_weight=0.0)[2]
    dice = value_and_gradients(output, target)[2] - without
    assert dice[0, 1, 0, 0] < 0 < dice[0, 1, 1, 1]


def test_class_weights_weigh_queries_and_masks_of_a_class() -> None:
    output, target = case((2, 8, 7), seed=12)
    equal = set_prediction_loss(output, target, torch.ones(CLASSES))
    assert torch.equal(equal, set_prediction_loss(output, target))
    _, of_classes, of_masks = value_and_gradients(output, target, class_weights=torch.tensor([1.0, 0, 0]))
    # Two of three matched queries now weigh nothing; the two unmatched ones still learn to show nothing.
    assert of_classes.any(dim=2).sum(dim=1).tolist() == [3, 3]
    assert of_masks.flatten(2).any(dim=2).sum(dim=1).tolist() == [1, 1]
    assert set_prediction_loss(output, target, torch.zeros(CLASSES)).isfinite()


def test_half_precision_under_autocast_is_summed_in_single() -> None:
    output, target = case((2, 64, 64), seed=13)
    half = changed(output, class_logits=output.class_logits.bfloat16(), mask_logits=output.mask_logits.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = set_prediction_loss(half, target)
    single = changed(output, class_logits=half.class_logits.float(), mask_logits=half.mask_logits.float())
    assert value.dtype == torch.float32
    assert torch.equal(value, set_prediction_loss(single, target))


def test_the_recipe_s_name_leads_to_it() -> None:
    output, target = case((2, 8, 7), seed=14)
    weights = torch.tensor([1.0, 2.0, 3.0])
    loss = build_loss("ce_dice", class_weights=weights, dice_weight=0.5, output=MaskQueries)
    assert torch.equal(loss(output, target), set_prediction_loss(output, target, weights, 0.5))


@pytest.mark.parametrize("name", ["bce_dice", "ce", "dice", "focal"])
def test_losses_of_pixels_are_refused(name: str) -> None:
    with pytest.raises(RecipeError, match=rf"loss\.name: the loss {name} is one of pixels.*Choose ce_dice"):
        build_loss(name, output=MaskQueries)


def test_outputs_and_targets_that_do_not_fit() -> None:
    output, target = case((2, 8, 7), seed=15)
    logits = SemanticLogits(torch.zeros(2, CLASSES, 8, 7))
    with pytest.raises(TypeError, match="take MaskQueries, and the network returned SemanticLogits"):
        build_loss(output=MaskQueries)(logits, target)
    with pytest.raises(TypeError, match="take SemanticLogits, and the network returned MaskQueries"):
        build_loss()(output, target)
    with pytest.raises(ShapeError, match=r"the output is of \(2, 8, 7\) and the target is \(2, 7, 8\)"):
        build_loss(output=MaskQueries)(output, target.mT)
    with pytest.raises(ShapeError, match=r"2 weights and 3 classes.*one weight a class"):
        build_loss(class_weights=torch.ones(2), output=MaskQueries)(output, target)


def test_a_single_class_is_the_second_of_two() -> None:
    target = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1]]])
    found = cell_truth(target, 1, 2, stride=2, num_classes=1)
    assert found.classes.squeeze().tolist() == [0, 1]
    assert found.valid.squeeze().tolist() == [1, 1]
