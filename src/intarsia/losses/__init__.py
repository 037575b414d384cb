"""What training minimises; every loss leaves ignored pixels out through one helper."""

from intarsia.losses.compound import (
    LOSSES,
    binary_cross_entropy_dice,
    build_loss,
    cross_entropy_dice,
)
from intarsia.losses.cross_entropy import cross_entropy
from intarsia.losses.dice import dice_loss, soft_dice
from intarsia.losses.focal import focal_loss
from intarsia.losses.probabilities import two_class_logits
from intarsia.losses.set_prediction import set_prediction_loss

__all__ = [
    "LOSSES",
    "binary_cross_entropy_dice",
    "build_loss",
    "cross_entropy",
    "cross_entropy_dice",
    "dice_loss",
    "focal_loss",
    "set_prediction_loss",
    "soft_dice",
    "two_class_logits",
]
