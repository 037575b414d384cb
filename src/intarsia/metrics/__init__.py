"""What is reported; every figure is computed from one table of per-image counts and named by its convention."""

from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.overlap import (
    dice,
    iou,
    mean_dice,
    mean_iou,
    mean_of_defined,
    pixel_accuracy,
    precision,
    recall,
    support,
)
from intarsia.metrics.table import ScoreTable, ScoreTableBuilder

__all__ = [
    "ScoreTable",
    "ScoreTableBuilder",
    "confusion_matrix",
    "dice",
    "iou",
    "mean_dice",
    "mean_iou",
    "mean_of_defined",
    "pixel_accuracy",
    "precision",
    "recall",
    "support",
]
