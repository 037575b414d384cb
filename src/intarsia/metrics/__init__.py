"""What is reported; every figure is computed from one table of per-image counts and named by its convention."""

from intarsia.metrics.class_counts import VOID_CONVENTIONS, ClassCounts, Void, class_counts
from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.overlap import (
    cohens_kappa,
    dice,
    frequency_weighted_iou,
    generalized_dice,
    iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    mean_specificity,
    pixel_accuracy,
    precision,
    recall,
    specificity,
    support,
)
from intarsia.metrics.table import ScoreTable, ScoreTableBuilder
from intarsia.metrics.undefined import mean_of_defined

__all__ = [
    "VOID_CONVENTIONS",
    "ClassCounts",
    "ScoreTable",
    "ScoreTableBuilder",
    "Void",
    "class_counts",
    "cohens_kappa",
    "confusion_matrix",
    "dice",
    "frequency_weighted_iou",
    "generalized_dice",
    "iou",
    "mean_accuracy",
    "mean_dice",
    "mean_iou",
    "mean_of_defined",
    "mean_specificity",
    "pixel_accuracy",
    "precision",
    "recall",
    "specificity",
    "support",
]
