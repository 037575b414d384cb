"""What every loss on logits starts from: log-probabilities, and the truth they are held against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from intarsia.ops.valid import valid_pixels


@dataclass(frozen=True)
class PixelTerms:
    """The shared part of all losses, computed once and read by as many of them as are added up.

    Args:
        log_probabilities: float32 (or float64) [B, K, H, W], K ≥ 2.
        log_of_truth: [B, H, W], the log-probability of each pixel's true class; 0 where ignored.
        valid: bool [B, H, W], False where ignored.
        classes: int64 [B, H, W], true class indices; 0 where ignored.
    """

    log_probabilities: Float[Tensor, "batch classes height width"]
    log_of_truth: Float[Tensor, "batch height width"]
    valid: Bool[Tensor, "batch height width"]
    classes: Int64[Tensor, "batch height width"]


def pixel_terms(
    logits: Float[Tensor, "batch channels height width"], target: Int[Tensor, "batch height width"]
) -> PixelTerms:
    """Prepare logits and truth for the losses.

    Args:
        logits: any float dtype; the result is at least float32, because sums over a million pixels in half precision
            (which is what autocast hands over) lose the answer. One channel means two classes.
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
    """
    logits = two_class_logits(logits) if logits.shape[1] == 1 else logits
    log_probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=1)
    valid, classes = valid_pixels(target)
    log_of_truth = log_probabilities.gather(1, classes.unsqueeze(1)).squeeze(1).masked_fill(~valid, 0)
    return PixelTerms(log_probabilities, log_of_truth, valid, classes)


def two_class_logits(logits: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 2 height width"]:
    """Turn a one-channel logit z into (0, z): the softmax of the pair gives class 1 the probability sigmoid(z)."""
    return torch.cat([torch.zeros_like(logits), logits], dim=1)


def mean_over_valid(
    values: Float[Tensor, "batch height width"], terms: PixelTerms, class_weights: Float[Tensor, " classes"] | None
) -> Float[Tensor, ""]:
    """Average over the pixels that count: Σ w·v / Σ w, with w the weight of each pixel's true class (PyTorch's way).

    Where nothing counts (all ignored, or every class present has the weight 0) the result is 0 and so is its gradient.
    """
    weights = terms.valid.to(values.dtype)
    if class_weights is not None:
        weights = weights * class_weights.to(values)[terms.classes]
    total = weights.sum()
    return (values * weights).sum() / torch.where(total > 0, total, 1)
