"""All that an evaluation finds, from one table of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from intarsia.evaluate.boundaries import boundary_section
from intarsia.evaluate.checks import Finding
from intarsia.evaluate.confidence import summarize_confidence
from intarsia.evaluate.diagnosis import diagnose
from intarsia.evaluate.summary import Summary, summarize
from intarsia.evaluate.surfaces import surface_section
from intarsia.metrics import VOID_CONVENTIONS, ScoreTable, Void, class_counts, mean_iou

_FEW_GROUPS = 6  # below which percentiles of resampled groups say little

_EXCLUDE = f"void: exclude: {VOID_CONVENTIONS['exclude']}; always so here, whatever overlap figures use"


def summarize_all(
    table: ScoreTable,
    *,
    void: Void = "exclude",
    warnings: Sequence[str] = (),
    checks: Sequence[Finding] = (),
    resamples: int = 10_000,
    seed: int = 0,
) -> Summary:
    """Compute every figure the table has counts for: overlap, boundaries, surfaces, causes of errors, calibration.

    Args:
        table: the counts.
        void: how void pixels are counted in overlap figures; all others leave out what is void in the truth.
        warnings: what makes the figures worth less than they seem, to be shown first.
        checks: what was found by looking at more than the counts, listed with the diagnosis.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    sections: dict[str, Any] = {}
    draw = {"resamples": resamples, "seed": seed}
    if table.boundary is not None:
        sections["boundary"] = boundary_section(table, **draw)
    if table.surface is not None:
        sections["surface"] = surface_section(table, **draw)
    if table.causes is not None:
        diagnosis = diagnose(table.dataset, table.causes, table.label_map, checks)
        sections["diagnosis"] = {"convention": _EXCLUDE, **diagnosis.to_dict()}
    if table.calibration is not None:
        of_images = mean_iou(class_counts(table.confusion, void))
        confidence = summarize_confidence(table.calibration, table.label_map, table.groups, of_images, **draw)
        sections["calibration"] = {"convention": _EXCLUDE, **confidence.to_dict()}
    summary = summarize(table, void=void, **draw)
    return replace(summary, sections=sections, warnings=(*warnings, *_doubts(table)))


def _doubts(table: ScoreTable) -> list[str]:
    """What the counts alone say against the figures."""
    groups = len(set(table.groups))
    doubts = []
    if not table.dataset[:-1].any():
        doubts.append("there is nothing to score: the truth is void throughout")
    elif 1 < groups < _FEW_GROUPS:
        doubts.append(f"the intervals rest on {groups} groups alone; the real uncertainty is larger than they say")
    return doubts
