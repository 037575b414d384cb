"""Training masks with classes: one query is matched to each class of a picture, and the others learn to show nothing.

The losses and their weights are those of Mask2Former (Cheng et al. 2022, arXiv:2112.01527, §3.3–3.4), with one binary
mask a class present in the picture, as for semantic training there. Three things differ.

*Every pixel counts, at the grid of the masks.* The paper samples random points, to save memory at large crops. Here
each cell of the mask logits is held against the share of its pixels that are of the class: nothing is drawn at random,
no thin structure is missed, and a cell through which a border runs learns how far.

*Void is left out exactly.* A cell weighs as much as the share of its pixels that lie in the picture and are labelled;
what a mask says elsewhere changes neither the matching nor any loss.

*Dice has no smoothing constant*, for the reason it has none in :mod:`~intarsia.losses.dice`: the authors' 1, added to
the sums of a mask that covers a fraction of a cell, would reward a query for showing nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from intarsia.losses.matching import match
from intarsia.ops.valid import valid_pixels
from intarsia.types import IGNORE_INDEX, MaskQueries

_CLASS, _ENTROPY, _DICE = 2.0, 5.0, 5.0
_NOTHING = 0.1


@dataclass(frozen=True)
class CellTruth:
    """The truth at the grid of the masks, its N cells row by row.

    Args:
        classes: [B, N, K] in [0, 1], the share of each cell's pixels that are of each class.
        valid: [B, N] in [0, 1], the share that lies in the picture and is not ignored: the sum over the classes.
    """

    classes: Float[Tensor, "batch cells classes"]
    valid: Float[Tensor, "batch cells"]

    @property
    def present(self) -> Bool[Tensor, "batch classes"]:
        """Which classes a picture shows."""
        return self.classes.sum(dim=1) > 0


def set_prediction_loss(
    queries: MaskQueries,
    target: Int[Tensor, "batch height width"],
    class_weights: Float[Tensor, " classes"] | None = None,
    dice_weight: float = 1.0,
) -> Float[Tensor, ""]:
    """Add 2·cross-entropy of the classes, 5·binary cross-entropy and 5·λ·Dice of the masks, summed over all layers.

    Queries and the classes present in a picture are matched anew for each layer, at the least sum of the same terms
    (with 1 − P(class) for the cross-entropy). A matched query learns its class and mask, every other one to show
    nothing, at a tenth of the weight. Both masks' terms are averages over the matched masks of the batch, the class
    term is one over its queries.

    A picture that is all void is left out altogether, its queries too. In any other picture a query that is not
    matched learns to show nothing even if its mask lies in void: whether it does is not looked at.

    Args:
        queries: with those of the earlier layers in ``auxiliary``, if they are to be trained.
        target: class indices at the input's size, :data:`~intarsia.types.IGNORE_INDEX` where void.
        class_weights: one weight ≥ 0 a class, of its queries in the average of the class term (where "nothing" weighs
            0.1) and of its masks in the averages of the two others; the matching does not know them.
        dice_weight: λ ≥ 0.

    Returns:
        A scalar, at least float32; 0 when every pixel is ignored.
    """
    num_classes = queries.class_logits.shape[-1] - 1
    weights = torch.ones(num_classes) if class_weights is None else class_weights
    layers = (queries, *queries.auxiliary)
    truths = {grid: cell_truth(target, *grid, num_classes) for grid in {_grid(layer) for layer in layers}}
    # Autocast would turn the sums over all cells into bfloat16.
    with torch.autocast(target.device.type, enabled=False):
        return torch.stack([_of_layer(layer, truths[_grid(layer)], weights, dice_weight) for layer in layers]).sum()


def cell_truth(
    target: Int[Tensor, "batch height width"], rows: int, columns: int, stride: int, num_classes: int
) -> CellTruth:
    """Count the truth's pixels under each cell of a grid that starts at its first pixel and covers it.

    Args:
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        rows: of the grid.
        columns: of the grid.
        stride: pixels a side of a cell.
        num_classes: K; 1 stands for the second of two classes, whose first is then not looked for.
    """
    batch, height, width = target.shape
    beyond = (0, columns * stride - width, 0, rows * stride - height)
    valid, classes = valid_pixels(functional.pad(target, beyond, value=IGNORE_INDEX))
    by_cell = (batch, rows, stride, columns, stride)
    valid, classes = (
        pixels.view(by_cell).transpose(2, 3).reshape(batch, rows * columns, stride**2) for pixels in (valid, classes)
    )
    counts = torch.zeros(batch, rows * columns, max(num_classes, 2), device=target.device).scatter_add_(
        2, classes, valid.float()
    )[..., -num_classes:]
    return CellTruth(counts / stride**2, valid.float().mean(dim=2))


def _grid(queries: MaskQueries) -> tuple[int, int, int]:
    rows, columns = queries.mask_logits.shape[-2:]
    return rows, columns, queries.stride


def _of_layer(
    queries: MaskQueries, truth: CellTruth, class_weights: Float[Tensor, " classes"], dice_weight: float
) -> Float[Tensor, ""]:
    dtype = torch.promote_types(queries.mask_logits.dtype, torch.float32)
    log_classes = queries.class_logits.to(dtype).log_softmax(dim=-1)
    masks = queries.mask_logits.to(dtype).flatten(2)
    truth = CellTruth(truth.classes.to(dtype), truth.valid.to(dtype))
    weights = class_weights.to(masks)
    with torch.no_grad():
        costs = _costs(log_classes, masks, truth, dice_weight)
    pictures, of_queries, classes = match(costs, truth.present)

    expected = torch.full(log_classes.shape[:2], len(weights), device=masks.device)  # nothing, unless matched
    expected[pictures, of_queries] = classes
    log_of_truth = log_classes.gather(2, expected.unsqueeze(2)).squeeze(2)
    counted = torch.cat([weights, weights.new_tensor([_NOTHING])])[expected] * truth.present.any(dim=1, keepdim=True)
    entropy, dice = _mask_terms(masks[pictures, of_queries], truth.classes[pictures, :, classes], truth.valid[pictures])
    mask_term = _mean(_ENTROPY * entropy + _DICE * dice_weight * dice, weights[classes])
    return mask_term - _CLASS * _mean(log_of_truth, counted)


def _mask_terms(
    masks: Float[Tensor, "matched cells"], parts: Float[Tensor, "matched cells"], valid: Float[Tensor, "matched cells"]
) -> tuple[Float[Tensor, " matched"], Float[Tensor, " matched"]]:
    """Binary cross-entropy and Dice of each mask; ``parts`` of ``valid`` are what it should show of each cell."""
    # −t·log p − (v − t)·log(1 − p), averaged.
    entropy = (valid * functional.softplus(masks) - parts * masks).sum(dim=1) / valid.sum(dim=1)
    shown = masks.sigmoid()
    dice = 1 - 2 * (parts * shown).sum(dim=1) / ((valid * shown).sum(dim=1) + parts.sum(dim=1))
    return entropy, dice


def _costs(
    log_classes: Float[Tensor, "batch queries classes_and_nothing"],
    masks: Float[Tensor, "batch queries cells"],
    truth: CellTruth,
    dice_weight: float,
) -> Float[Tensor, "batch queries classes"]:
    """What each query would cost as each class, by the terms of :func:`_mask_terms`; absent ones mean nothing."""
    valid = truth.valid.unsqueeze(2)
    entropy = (functional.softplus(masks) @ valid - masks @ truth.classes) / valid.sum(dim=1, keepdim=True)
    shown = masks.sigmoid()
    areas = shown @ valid + truth.classes.sum(dim=1, keepdim=True)
    dice = 1 - 2 * (shown @ truth.classes) / areas
    return _CLASS * (1 - log_classes[..., :-1].exp()) + _ENTROPY * entropy + _DICE * dice_weight * dice


def _mean(values: Float[Tensor, "*shape"], weights: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Σ w·v / Σ w; 0 where nothing weighs anything."""
    total = weights.sum()
    return (values * weights).sum() / torch.where(total > 0, total, 1)
