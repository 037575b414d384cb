"""Surface figures of a data set, with their intervals, in the form that ``metrics.json`` and the report hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from intarsia.evaluate.boundaries import estimate_rows
from intarsia.evaluate.statistics import bootstrap_counts_interval, bootstrap_mean_interval
from intarsia.metrics import ScoreTable, mean_of_defined
from intarsia.metrics.counts import total
from intarsia.metrics.surface import SurfaceCounts, average_surface_distance, surface_dice

_CONVENTION = (
    "of the outline of each class's own mask, in the unit of the spacing; pixels of void truth are taken out of both"
    " masks, and the picture's frame is an outline of what it cuts; where a class is in one of the two masks only, its"
    " NSD is 0, and its distances are infinite and left out of the average surface distance (_exclude) and of the"
    " Hausdorff distances: images_infinite counts those images, images_finite those with both outlines; names ending in"
    " _per_image are means over images, every other figure comes from the outlines of all images together"
)


def surface_section(table: ScoreTable, *, resamples: int = 10_000, seed: int = 0) -> dict[str, Any]:
    """NSD at each tolerance, the symmetric average surface distance, and the Hausdorff distances.

    Args:
        table: with counts of surfaces.
        resamples: of the bootstrap over groups.
        seed: of the bootstrap.

    Returns:
        ``spacing`` (height and width of a pixel), ``tolerances`` (in its unit), ``overall`` (means over classes),
        ``classes`` and ``convention``; each figure is ``{value, low, high}``, null where undefined. ``images_finite``
        counts the images where both surfaces of a class exist, ``images_infinite`` those where one of them is missing;
        in ``overall``, where that is so for any class.
    """
    counts, hausdorff = table.surface, table.hausdorff
    assert counts is not None, "surfaces were not counted"
    assert hausdorff is not None, "surfaces were not counted"
    assert table.spacing is not None, "surfaces were not counted"
    draw = {"resamples": resamples, "seed": seed}
    pooled = estimate_rows(_figures(total(counts)), bootstrap_counts_interval(counts, table.groups, _figures, **draw))
    infinite, finite = np.isinf(hausdorff[..., 0]), np.isfinite(hausdorff[..., 0])
    averaged = _means_over_images(
        np.concatenate([_figures(counts), _with_mean(np.where(np.isinf(hausdorff), np.nan, hausdorff))], axis=-1),
        table.groups,
        draw,
    )
    tolerances = len(counts.tolerances)
    *of_classes, mean = [
        _named(row, tolerances) | _named(means, tolerances, "_per_image")
        for row, means in zip(pooled, averaged, strict=True)
    ]
    labels = table.label_map
    return {
        "spacing": list(table.spacing),
        "tolerances": list(counts.tolerances),
        "overall": {f"mean_{name}": figure for name, figure in mean.items()} | _images(finite.any(1), infinite.any(1)),
        "classes": [
            {"id": labels.ids[k], "name": labels.names[k], **row, **_images(finite[:, k], infinite[:, k])}
            for k, row in enumerate(of_classes)
        ],
        "convention": _CONVENTION,
    }


def _figures(counts: SurfaceCounts) -> Float64[np.ndarray, "*batch rows columns"]:
    """A row a class and one for their mean; columns NSD by tolerance, average surface distance."""
    average = average_surface_distance(counts, "symmetric", missing="exclude")
    return _with_mean(np.concatenate([surface_dice(counts), average[..., None]], axis=-1))


def _with_mean(of_classes: Float64[np.ndarray, "*batch classes columns"]) -> Float64[np.ndarray, "*batch rows columns"]:
    return np.concatenate([of_classes, mean_of_defined(of_classes, axis=-2)[..., None, :]], axis=-2)


def _means_over_images(
    figures: Float64[np.ndarray, "images rows columns"], groups: Sequence[str], draw: Mapping[str, int]
) -> list[list[dict[str, float | None]]]:
    images, *shape = figures.shape
    interval = bootstrap_mean_interval(figures.reshape(images, -1), groups, **draw)
    return estimate_rows(mean_of_defined(figures, axis=0), tuple(bound.reshape(shape) for bound in interval))


def _named(row: list[dict[str, float | None]], tolerances: int, suffix: str = "") -> dict[str, Any]:
    names = ("average_surface_distance_symmetric_exclude", "hausdorff", "hausdorff_95")
    distances = zip(names, row[tolerances:], strict=False)  # Hausdorff distances do not pool, so not every row has them
    return {f"surface_dice{suffix}": row[:tolerances]} | {f"{name}{suffix}": figure for name, figure in distances}


def _images(finite: Bool[np.ndarray, "images"], infinite: Bool[np.ndarray, "images"]) -> dict[str, int]:
    return {"images_finite": int(finite.sum()), "images_infinite": int(infinite.sum())}
