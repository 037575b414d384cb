"""Sums of losses, and the table of losses a recipe can name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from intarsia.errors import RecipeError, ShapeError
from intarsia.losses.cross_entropy import cross_entropy_of
from intarsia.losses.dice import dice_of
from intarsia.losses.focal import focal_of
from intarsia.losses.probabilities import PixelTerms, pixel_terms
from intarsia.losses.set_prediction import set_prediction_loss
from intarsia.types import MaskQueries, Output, SemanticLogits


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
"""The losses of :class:`~intarsia.types.SemanticLogits` by name, each a function of the terms all of them share."""


def build_loss(
    name: str = "ce_dice",
    *,
    class_weights: Float[Tensor, " classes"] | None = None,
    dice_weight: float = 1.0,
    gamma: float = 2.0,
    output: type[Output] = SemanticLogits,
) -> Callable[[Output, Tensor], Tensor]:
    """Choose a loss by name and by what the network returns.

    Args:
        name: a key of :data:`LOSSES`; for mask queries ``ce_dice``, which is then
            :func:`~intarsia.losses.set_prediction_loss`.
        class_weights: one weight ≥ 0 a class, for every loss but ``dice``; moved to the logits' device by itself.
        dice_weight: λ ≥ 0 of ``ce_dice`` and ``bce_dice``.
        gamma: γ ≥ 0 of ``focal``.
        output: what the network returns.

    Returns:
        A function of the network's output and the target (integer [B, H, W], the output's own height and width) that
        gives a scalar. It raises ``ShapeError`` where their sizes disagree, ``TypeError`` for other kinds of output.

    Raises:
        RecipeError: a name that is not a key or does not go with the output, a number below 0, or class weights for a
            loss that has none.
    """
    if name not in LOSSES:
        nearest = difflib.get_close_matches(name, LOSSES, n=1, cutoff=0)[0]
        raise RecipeError(
            f"there is no loss {name!r}",
            where="loss",
            remedy=f"Did you mean {nearest!r}? Choose of {', '.join(LOSSES)}",
        )
    if output is MaskQueries and name != "ce_dice":
        raise RecipeError(
            f"the loss {name} is one of pixels, and this network returns masks, each with its class",
            where="loss.name",
            remedy="Choose ce_dice, or a network that scores pixels",
        )
    if name == "dice" and class_weights is not None:
        raise RecipeError(
            "the Dice loss weighs every class alike", where="class_weights", remedy="Leave them out, or choose ce_dice"
        )
    for key, value in (("dice_weight", dice_weight), ("gamma", gamma)):
        if not value >= 0:
            raise RecipeError(f"{value} is not a number from 0 up", where=key, remedy="Give 0 or more")
    settings = LossSettings(class_weights, dice_weight, gamma)
    return _of_queries(settings) if output is MaskQueries else _of_logits(LOSSES[name], settings)


def _of_logits(
    term: Callable[[PixelTerms, LossSettings], Tensor], settings: LossSettings
) -> Callable[[Output, Tensor], Tensor]:
    def loss(output: object, target: Tensor) -> Tensor:
        if not isinstance(output, SemanticLogits):
            raise _wrong_output(SemanticLogits, output)
        batch, channels, *size = output.logits.shape
        _check_target(target, batch, size)
        _check_weights(settings.class_weights, max(2, channels))
        return term(pixel_terms(output.logits, target), settings)

    return loss


def _of_queries(settings: LossSettings) -> Callable[[Output, Tensor], Tensor]:
    def loss(output: object, target: Tensor) -> Tensor:
        if not isinstance(output, MaskQueries):
            raise _wrong_output(MaskQueries, output)
        batch, _, classes_and_nothing = output.class_logits.shape
        _check_target(target, batch, output.size)
        _check_weights(settings.class_weights, classes_and_nothing - 1)
        return set_prediction_loss(output, target, settings.class_weights, settings.dice_weight)

    return loss


def _wrong_output(expected: type[Output], output: object) -> TypeError:
    return TypeError(f"the losses chosen take {expected.__name__}, and the network returned {type(output).__name__}")


def _check_target(target: Tensor, batch: int, size: Sequence[int]) -> None:
    expected = (batch, *size)
    if target.shape != expected:
        raise ShapeError(
            f"the output is of {expected} and the target is {tuple(target.shape)}",
            where="loss",
            remedy=f"Give a target of {expected}: batch, height, width",
        )


def _check_weights(class_weights: Tensor | None, num_classes: int) -> None:
    if class_weights is not None and class_weights.shape != (num_classes,):
        raise ShapeError(
            f"there are {class_weights.numel()} weights and {num_classes} classes",
            where="class_weights",
            remedy="Give one weight a class",
        )
