"""Soft Dice: the overlap score itself as a loss, one score a class over the whole batch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from intarsia.losses.probabilities import PixelTerms, pixel_terms
from intarsia.ops.valid import valid_pixels


def soft_dice(
    probabilities: Float[Tensor, "batch classes height width"], target: Int[Tensor, "batch height width"]
) -> tuple[Float[Tensor, " classes"], Bool[Tensor, " classes"]]:
    """Score each class by 2·Σ p·t / (Σ p + Σ t), the sums taken over all pixels of the batch that count.

    The idea is V-Net's (Milletari et al. 2016, section 3), which squares p and t in the denominator; this is the
    unsquared form of Sudre et al. 2017 (section 2), which equals the Dice score of a hard mask when p is 0 or 1.
    No smoothing constant is added: a class that is present has a denominator above zero already.

    Args:
        probabilities: in [0, 1].
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.

    Returns:
        scores: in [0, 1]; 0 for a class that is absent from the truth.
        present: False for those classes, whose score means nothing and belongs in no average.
    """
    valid, classes = valid_pixels(target)
    of_truth = probabilities.gather(1, classes.unsqueeze(1)).squeeze(1)
    return _scores(probabilities, of_truth, valid, classes)


def dice_loss(
    logits: Float[Tensor, "batch channels height width"],
    target: Int[Tensor, "batch height width"],
    foreground_only: bool = False,
) -> Float[Tensor, ""]:
    """Average 1 − :func:`soft_dice` over the classes present in the truth.

    Args:
        logits: K channels (softmax), or 1 for two classes (sigmoid).
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        foreground_only: leave class index 0 out of the average.

    Returns:
        A scalar in [0, 1], at least float32; 0 when no class of the average is present.
    """
    return dice_of(pixel_terms(logits, target), foreground_only)


def dice_of(terms: PixelTerms, foreground_only: bool = False) -> Float[Tensor, ""]:
    """Compute :func:`dice_loss` from terms already at hand."""
    scores, present = _scores(terms.log_probabilities.exp(), terms.log_of_truth.exp(), terms.valid, terms.classes)
    first = 1 if foreground_only else 0
    losses = torch.where(present, 1 - scores, 0)[first:]
    return losses.sum() / present[first:].sum().clamp(min=1)


def _scores(
    probabilities: Float[Tensor, "batch classes height width"],
    of_truth: Float[Tensor, "batch height width"],
    valid: Bool[Tensor, "batch height width"],
    classes: Int64[Tensor, "batch height width"],
) -> tuple[Float[Tensor, " classes"], Bool[Tensor, " classes"]]:
    # No one-hot copy of the truth: twice as fast, forward and backward, on a CPU at 8 × 11 × 360 × 480.
    weights = valid.to(probabilities.dtype)
    num_classes = probabilities.shape[1]
    overlap = _sum_by_class(of_truth * weights, classes, num_classes)
    true_area = _sum_by_class(weights, classes, num_classes)
    predicted_area = (probabilities * weights.unsqueeze(1)).sum(dim=(0, 2, 3))
    present = true_area > 0
    return 2 * overlap / torch.where(present, predicted_area + true_area, 1), present


def _sum_by_class(
    values: Float[Tensor, "batch height width"], classes: Int64[Tensor, "batch height width"], num_classes: int
) -> Float[Tensor, " {num_classes}"]:
    # Row by row first: a single float32 accumulator stops growing at 2²⁴, and is coarse long before.
    rows = values.new_zeros((*values.shape[:2], num_classes)).scatter_add(2, classes, values)
    return rows.sum(dim=(0, 1))
