"""Focal loss: cross-entropy that turns away from pixels already well classified."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia.losses.probabilities import PixelTerms, mean_over_valid, pixel_terms


def focal_loss(
    logits: Float[Tensor, "batch channels height width"],
    target: Int[Tensor, "batch height width"],
    gamma: float = 2.0,
    class_weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, ""]:
    """Average −(1 − p)^γ · log p of the true class (Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 5).

    The weighted mean is that of :func:`~intarsia.losses.cross_entropy`, so γ = 0 gives the cross-entropy itself; the
    paper, which trains a detector, divides by the number of matched anchors instead.

    Args:
        logits: K channels (softmax), or 1 for two classes (sigmoid).
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        gamma: the focusing exponent γ ≥ 0.
        class_weights: the paper's α, one weight ≥ 0 a class; None weighs all alike.

    Returns:
        A scalar, at least float32; 0 when every pixel is ignored.
    """
    return focal_of(pixel_terms(logits, target), gamma, class_weights)


def focal_of(
    terms: PixelTerms, gamma: float = 2.0, class_weights: Float[Tensor, " classes"] | None = None
) -> Float[Tensor, ""]:
    """Compute :func:`focal_loss` from terms already at hand."""
    # expm1 keeps 1 − p exact near p = 1; the clamp keeps the power's slope finite at p = 1 when 0 < γ < 1.
    miss = (-torch.expm1(terms.log_of_truth)).clamp_min(torch.finfo(terms.log_of_truth.dtype).tiny)
    return mean_over_valid(-(miss**gamma) * terms.log_of_truth, terms, class_weights)
