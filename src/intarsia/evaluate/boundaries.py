"""Boundary figures of a data set, with their intervals, in the form that ``metrics.json`` and the report hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.evaluate.estimate import estimates
from intarsia.evaluate.statistics import bootstrap_counts_interval, bootstrap_mean_interval
from intarsia.metrics import ScoreTable, mean_of_defined
from intarsia.metrics.boundary import (
    BoundaryCounts,
    boundary_f1,
    boundary_iou,
    mean_boundary_f1,
    mean_boundary_iou,
    mean_trimap_iou,
    trimap_iou,
)
from intarsia.metrics.counts import total

_CONVENTION = (
    "of each class's own mask; void truth makes no border, and nothing predicted there counts; the picture's frame is"
    " no border for Boundary F1 and trimaps, and is one for Boundary IoU, as in its paper; names ending in _per_image"
    " are means over images, every other figure comes from the pixels of all images together"
)


def boundary_section(table: ScoreTable, *, resamples: int = 10_000, seed: int = 0) -> dict[str, Any]:
    """Boundary F1 at each tolerance, Boundary IoU, and IoU within each trimap width.

    Args:
        table: with counts of boundaries.
        resamples: of the bootstrap over groups.
        seed: of the bootstrap.

    Returns:
        ``tolerances``, ``widths`` (pixels), ``overall`` (means over classes), ``classes`` and ``convention``; each
        figure is ``{value, low, high}``, null where undefined.
    """
    counts = table.boundary
    assert counts is not None, "boundaries were not counted"
    draw = {"resamples": resamples, "seed": seed}
    rows = estimate_rows(_figures(total(counts)), bootstrap_counts_interval(counts, table.groups, _figures, **draw))
    of_images = _figures(counts)[:, -1]
    (averaged,) = estimate_rows(
        mean_of_defined(of_images, axis=0)[None],
        tuple(bound[None] for bound in bootstrap_mean_interval(of_images, table.groups, **draw)),
    )
    *of_classes, mean = [_named(row, counts) for row in rows]
    labels = table.label_map
    return {
        "tolerances": list(counts.tolerances),
        "widths": list(counts.widths),
        "overall": {f"mean_{name}": figure for name, figure in mean.items()}
        | {f"mean_{name}_per_image": figure for name, figure in _named(averaged, counts).items()},
        "classes": [
            {"id": i, "name": name, **row} for i, name, row in zip(labels.ids, labels.names, of_classes, strict=True)
        ],
        "convention": _CONVENTION,
    }


def _figures(counts: BoundaryCounts) -> Float64[np.ndarray, "*batch rows columns"]:
    """A row a class and one for their mean; columns Boundary F1 by tolerance, Boundary IoU, trimap IoU by width."""
    of_classes = boundary_f1(counts), boundary_iou(counts)[..., None], trimap_iou(counts)
    means = mean_boundary_f1(counts), mean_boundary_iou(counts)[..., None], mean_trimap_iou(counts)
    rows = np.concatenate(of_classes, axis=-1), np.concatenate(means, axis=-1)[..., None, :]
    return np.concatenate(rows, axis=-2)


def estimate_rows(
    values: Float64[np.ndarray, "rows columns"], interval: tuple[np.ndarray, ...]
) -> list[list[dict[str, float | None]]]:
    """Figures with the low and the high ends of their intervals, row by row, in the form JSON can hold."""
    rows = (estimates(row, (low, high)) for row, low, high in zip(values, *interval, strict=True))
    return [[each.to_dict() for each in row] for row in rows]


def _named(row: list[dict[str, float | None]], counts: BoundaryCounts) -> dict[str, Any]:
    tolerances = len(counts.tolerances)
    return {
        "boundary_f1": row[:tolerances],
        "boundary_iou": row[tolerances],
        "trimap_iou": row[tolerances + 1 :],
    }
