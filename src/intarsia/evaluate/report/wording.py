"""What the figures of the report are called, and what each of them means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["dataset", "per_image"]


class Figure(NamedTuple):
    """A figure's name for people and its definition in one sentence."""

    name: str
    meaning: str


OVERALL: Mapping[str, Figure] = {
    "mean_iou": Figure("Mean IoU", "The mean over classes of their IoU: what papers call mIoU."),
    "mean_dice": Figure("Mean Dice", "The mean over classes of their Dice coefficient."),
    "pixel_accuracy": Figure("Pixel accuracy", "Right pixels over all pixels that count."),
    "mean_accuracy": Figure("Mean accuracy", "The mean over classes of their recall."),
    "frequency_weighted_iou": Figure(
        "Frequency-weighted IoU", "The IoU of each class weighed by its share of the true pixels."
    ),
    "generalized_dice": Figure(
        "Generalized Dice", "One Dice coefficient over all classes, each weighing 1 / (its true pixels)²."
    ),
    "mean_specificity": Figure("Mean specificity", "The mean over classes of their specificity."),
    "cohens_kappa": Figure(
        "Cohen’s κ", "Agreement beyond chance: 1 is perfect, 0 what chance would give, −1 the worst."
    ),
}
"""The figures of a whole evaluation, by name."""

OF_CLASS: Mapping[str, Figure] = {
    "iou": Figure("IoU", "TP / (TP + FP + FN): the pixels both call the class, over those either does."),
    "dice": Figure("Dice", "2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall."),
    "precision": Figure("Precision", "TP / (TP + FP): of the pixels predicted as the class, the share that are."),
    "recall": Figure("Recall", "TP / (TP + FN): of the class’s true pixels, the share that is found."),
    "specificity": Figure("Specificity", "TN / (TN + FP): of the other classes’ pixels, the share left alone."),
}
"""The figures of one class in the order shown, by their key in an entry of a summary's ``classes``."""

SURFACE: Mapping[str, Figure] = {
    "surface_dice": Figure(
        "NSD",
        "Normalized surface Dice: of the true and the predicted outline together, the share that lies within a"
        " tolerance of the other. In [0, 1], 0 where only one of the two exists.",
    ),
    "average_surface_distance_symmetric_exclude": Figure(
        "Average surface distance",
        "The mean distance from one outline to the other, over both outlines together (symmetric, ASSD); images where"
        " only one of the two exists are left out.",
    ),
    "hausdorff_per_image": Figure(
        "Hausdorff distance",
        "The mean over images of the largest distance from one outline to the other; images where only one of the two"
        " exists are left out.",
    ),
    "hausdorff_95_per_image": Figure(
        "HD95", "As the Hausdorff distance, of the distance that 95% of either outline do not exceed."
    ),
}
"""The figures of surfaces in the order shown, by their key in an entry of a surface section's ``classes``."""

KINDS: Mapping[Kind, Figure] = {
    "dataset": Figure("over all pixels", "From the pixels of all images together."),
    "per_image": Figure(
        "mean over images", "The mean over images of the image’s own figure: every image weighs the same."
    ),
}
"""The two ways a figure is taken over many images."""


def overall(summary: Mapping[str, Any], kind: Kind) -> dict[str, Mapping[str, Any]]:
    """The estimates of one kind that a summary holds of :data:`OVERALL`, by name."""
    found = {name: summary["overall"].get(f"{name}_{kind}") for name in OVERALL}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def of_classes(summary: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures that at least one class of a summary holds."""
    return {
        key: figure for key, figure in OF_CLASS.items() if any(entry.get(key) for entry in summary.get("classes", ()))
    }


def void_convention(summary: Mapping[str, Any]) -> tuple[str, str]:
    """The name of how void pixels are treated and its explanation; both empty when the summary does not say."""
    name, _, meaning = str(summary.get("conventions", {}).get("void", "")).partition(":")
    return name.strip(), meaning.strip()
