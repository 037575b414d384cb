"""Sums of losses, and the table of losses a recipe can name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from intarsia.errors import RecipeError, ShapeError
from intarsia.losses.cross_entropy import cross_entropy_of
from intarsia.losses.dice import dice_of
from intarsia.losses.focal import focal_of
from intarsia.losses.probabilities import PixelTerms, pixel_terms
from intarsia.types import SemanticLogits


@dataclass(frozen=True)
class LossSettings:
    """What a recipe may set; each loss reads what concerns it.

    Args:
        class_weights: one weight ≥ 0 a class, for cross-entropy and focal.
        dice_weight: λ ≥ 0, the share of Dice in a sum.
        gamma: γ ≥ 0 of the focal loss.
    """

    class_weights: Float[Tensor, " classes"] | None = None
    dice_weight: float = 1.0
    gamma: float = 2.0


def cross_entropy_dice(
    logits: Float[Tensor, "batch channels height width"],
    target: Int[Tensor, "batch height width"],
    class_weights: Float[Tensor, " classes"] | None = None,
    dice_weight: float = 1.0,
) -> Float[Tensor, ""]:
    """Add λ·Dice to the cross-entropy: λ = 1 is nnU-Net's loss (Isensee et al. 2021, Methods).

    Args:
        logits: K channels (softmax), or 1 for two classes (sigmoid).
        target: class indices, :data:`~intarsia.types.IGNORE_INDEX` where void.
        class_weights: one weight ≥ 0 a class, for the cross-entropy; Dice weighs every class alike by its nature.
        dice_weight: λ ≥ 0.

    Returns:
        A scalar, at least float32; 0 when every pixel is ignored.
    """
    return _multiclass(pixel_terms(logits, target), LossSettings(class_weights, dice_weight))


def binary_cross_entropy_dice(
    logits: Float[Tensor, "batch channels height width"],
    target: Int[Tensor, "batch height width"],
    class_weights: Float[Tensor, "2"] | None = None,
    dice_weight: float = 1.0,
) -> Float[Tensor, ""]:
    """Add λ·Dice of the foreground alone to the binary cross-entropy; a batch without foreground has no Dice part.

    Args:
        logits: 1 channel (sigmoid) or 2 (softmax).
        target: class indices 0 and 1, :data:`~intarsia.types.IGNORE_INDEX` where void.
        class_weights: the weights of background and foreground in the cross-entropy.
        dice_weight: λ ≥ 0.

    Returns:
        A scalar, at least float32; 0 when every pixel is ignored.

    Raises:
        ShapeError: the logits are of more than two classes.
    """
    return _binary(pixel_terms(logits, target), LossSettings(class_weights, dice_weight))


def _multiclass(terms: PixelTerms, settings: LossSettings) -> Float[Tensor, ""]:
    return cross_entropy_of(terms, settings.class_weights) + settings.dice_weight * dice_of(terms)


def _binary(terms: PixelTerms, settings: LossSettings) -> Float[Tensor, ""]:
    num_classes = terms.log_probabilities.shape[1]
    if num_classes != 2:
        raise ShapeError(
            f"is for two classes, and the network has {num_classes}",
            where="loss bce_dice",
            remedy="Choose the loss ce_dice",
        )
    foreground = dice_of(terms, foreground_only=True)
    return cross_entropy_of(terms, settings.class_weights) + settings.dice_weight * foreground


LOSSES: dict[str, Callable[[PixelTerms, LossSettings], Tensor]] = {
    "bce_dice": _binary,
    "ce": lambda terms, settings: cross_entropy_of(terms, settings.class_weights),
    "ce_dice": _multiclass,
    "dice": lambda terms, settings: dice_of(terms),
    "focal": lambda terms, settings: focal_of(terms, settings.gamma, settings.class_weights),
}
"""The losses by name, each a function of the terms all of them share."""


def build_loss(
    name: str = "ce_dice",
    *,
    class_weights: Float[Tensor, " classes"] | None = None,
    dice_weight: float = 1.0,
    gamma: float = 2.0,
) -> Callable[[SemanticLogits, Tensor], Tensor]:
    """Choose a loss by name.

    Args:
        name: a key of :data:`LOSSES`.
        class_weights: one weight ≥ 0 a class, for every loss but ``dice``; moved to the logits' device by itself.
        dice_weight: λ ≥ 0 of ``ce_dice`` and ``bce_dice``.
        gamma: γ ≥ 0 of ``focal``.

    Returns:
        A function of the network's output and the target (integer [B, H, W], the output's own height and width) that
        gives a scalar. It raises ``ShapeError`` where their sizes disagree, ``TypeError`` for other kinds of output.

    Raises:
        RecipeError: a name that is not a key, a number below 0, or class weights for a loss that has none.
    """
    if name not in LOSSES:
        nearest = difflib.get_close_matches(name, LOSSES, n=1, cutoff=0)[0]
        raise RecipeError(
            f"there is no loss {name!r}",
            where="loss",
            remedy=f"Did you mean {nearest!r}? Choose of {', '.join(LOSSES)}",
        )
    if name == "dice" and class_weights is not None:
        raise RecipeError(
            "the Dice loss weighs every class alike", where="class_weights", remedy="Leave them out, or choose ce_dice"
        )
    for key, value in (("dice_weight", dice_weight), ("gamma", gamma)):
        if not value >= 0:
            raise RecipeError(f"{value} is not a number from 0 up", where=key, remedy="Give 0 or more")
    term, settings = LOSSES[name], LossSettings(class_weights, dice_weight, gamma)

    def loss(output: object, target: Tensor) -> Tensor:
        terms = pixel_terms(_checked_logits(output, target), target)
        _check_weights(settings.class_weights, terms.log_probabilities.shape[1])
        return term(terms, settings)

    return loss


def _checked_logits(output: object, target: Tensor) -> Tensor:
    if not isinstance(output, SemanticLogits):
        raise TypeError(f"the semantic losses take SemanticLogits, and the network returned {type(output).__name__}")
    batch, _, height, width = output.logits.shape
    if target.shape != (batch, height, width):
        raise ShapeError(
            f"the logits are {tuple(output.logits.shape)} and the target is {tuple(target.shape)}",
            where="loss",
            remedy=f"Give a target of {(batch, height, width)}: batch, height, width",
        )
    return output.logits


def _check_weights(class_weights: Tensor | None, num_classes: int) -> None:
    if class_weights is not None and class_weights.shape != (num_classes,):
        raise ShapeError(
            f"there are {class_weights.numel()} weights and {num_classes} classes",
            where="class_weights",
            remedy="Give one weight a class",
        )
