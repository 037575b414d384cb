"""Cross-entropy over the pixels that count."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from intarsia.losses.probabilities import PixelTerms, mean_over_valid, pixel_terms


def cross_entropy(
    logits: Float[Tensor, "batch channels height width"],
    target: Int[Tensor, "batch height width"],
    class_weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, ""]:
    """Average −log p of the true class, weighted by class: Σ w·nll / Σ w (PyTorch's convention).

    Args:
        logits: K channels (softmax), or 1 for two classes (sigmoid).
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        class_weights: one weight ≥ 0 a class; None weighs all alike.

    Returns:
        A scalar, at least float32; 0 when every pixel is ignored.
    """
    return cross_entropy_of(pixel_terms(logits, target), class_weights)


def cross_entropy_of(terms: PixelTerms, class_weights: Float[Tensor, " classes"] | None = None) -> Float[Tensor, ""]:
    """Compute :func:`cross_entropy` from terms already at hand."""
    return mean_over_valid(-terms.log_of_truth, terms, class_weights)
