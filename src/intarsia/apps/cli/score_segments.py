"""The part of ``intarsia score`` that scores objects and panoptic maps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from intarsia.apps.cli.console import console, number, plain_table, print_json, progress_bar, with_interval
from intarsia.errors import DataError, RecipeError

if TYPE_CHECKING:
    from rich.table import Table

    from intarsia.evaluate.segments import SegmentSummary

_COCO_NAMES = {
    "ap": "AP",
    "ap50": "AP at IoU 0.50",
    "ap75": "AP at IoU 0.75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
    "ar_1": "AR, 1 object",
    "ar_10": "AR, 10 objects",
    "ar_100": "AR, 100 objects",
    "ar_small": "AR small",
    "ar_medium": "AR medium",
    "ar_large": "AR large",
}
_HEADS = {
    "pq": "PQ",
    "sq": "SQ",
    "rq": "RQ",
    "ap": "AP",
    "ap50": "AP at 0.50",
    "ar_100": "AR",
    "true_positives": "TP",
    "false_positives": "FP",
    "false_negatives": "FN",
}
_SHOWN = ("average_precision", "f1", "precision", "recall", "mean_matched_iou", "panoptic_quality")
_COUNTS = ("true_positives", "false_positives", "false_negatives")
_WORST = 5


def run_instance(
    predicted: Path,
    truth: Path,
    out: Path | None = None,
    as_json: bool = False,
    ignore: int | None = None,
    *,
    group_by: str | None = None,
) -> None:
    """Score objects: instance-id masks paired by name, or a COCO result list against COCO instance JSON.

    Args:
        predicted: a mask, a folder of masks, or a result list (``.json``).
        truth: of the same kind.
        out: a folder that ``metrics.json`` is also written to.
        as_json: print JSON instead of tables.
        ignore: the id of void pixels in true masks, 1 or more; COCO JSON has crowd regions instead.
        group_by: a regular expression whose one group finds the patient or video in the name of a mask, or in a
            ``file_name`` of COCO JSON.
    """
    if truth.suffix.lower() != ".json" and predicted.suffix.lower() != ".json":
        _run_masks(predicted, truth, out, as_json, ignore, group_by)
        return
    if ignore is not None:
        raise RecipeError(
            "COCO JSON has no void pixels", where="--ignore", remedy="Leave it out; mark regions with `iscrowd` instead"
        )
    _run_coco(predicted, truth, out, as_json, group_by)


def run_panoptic(
    predicted: Path, truth: Path, out: Path | None = None, as_json: bool = False, *, group_by: str | None = None
) -> None:
    """Score panoptic maps: COCO panoptic JSON with its PNGs against the same of the truth.

    Args:
        predicted: the JSON, or the folder that holds it.
        truth: the same of the truth, with categories.
        out: a folder that ``metrics.json`` is also written to.
        as_json: print JSON instead of tables.
        group_by: a regular expression whose one group finds the patient or video in the name of a PNG.
    """
    from intarsia.data.formats.panoptic import open_panoptic
    from intarsia.evaluate.panoptic import label_map_of, score_panoptic, summarize_panoptic
    from intarsia.evaluate.provenance import pair_warnings
    from intarsia.evaluate.segments import perfect

    true, found = open_panoptic(truth), open_panoptic(predicted)
    label_map = label_map_of(true)
    with progress_bar("scoring") as progress:
        scored = score_panoptic(found, true, progress, group_by=group_by)
    pairs = [(found.pictures[image].png, picture.png) for image, picture in true.pictures.items()]
    summary = summarize_panoptic(scored, label_map, warnings=pair_warnings(pairs, identical=perfect(scored)))
    content = summary.to_dict()
    tables = [_panoptic_table(content), _classes(content, ("pq", "sq", "rq"), _COUNTS)]
    _tell(summary, tables, out, as_json, table=scored.to_dict(), worst="pq")


def _run_masks(
    predicted: Path, truth: Path, out: Path | None, as_json: bool, ignore: int | None, group_by: str | None
) -> None:
    from intarsia.evaluate.instances import score_instance_masks, summarize_instances
    from intarsia.evaluate.provenance import pair_warnings
    from intarsia.evaluate.runner import pair_masks
    from intarsia.evaluate.segments import perfect

    pairs = pair_masks(predicted, truth)
    with progress_bar("scoring") as progress:
        scored = score_instance_masks(pairs, ignore=ignore, group_by=group_by, progress=progress)
    summary = summarize_instances(scored, warnings=pair_warnings(pairs, identical=perfect(scored)))
    content = summary.to_dict()
    objects = [row["true_objects"] for row in content["per_image"]]
    if len(objects) > 1 and max(objects) <= 1:
        typer.echo(
            "note: no true mask holds more than one object. If these are class masks, drop --task; if they hold several"
            " objects of the same pixel value, number the objects first.",
            err=True,
        )
    tables = [_threshold_table(content), _size_table(content)]
    lines = _averages(content)
    if ignore is not None:
        lines.append(f"void: {content['conventions']['void']}")
    _tell(summary, tables, out, as_json, table=scored.to_dict(), worst="average_precision", lines=lines)


def _run_coco(predicted: Path, truth: Path, out: Path | None, as_json: bool, group_by: str | None) -> None:
    from intarsia.data.formats.coco import read_coco, read_coco_results
    from intarsia.evaluate.coco import score_coco

    for path in (predicted, truth):
        if path.suffix.lower() != ".json":
            raise DataError(
                "is no JSON, but its partner is",
                where=path,
                remedy="Score a COCO result list against COCO instance JSON, or masks against masks",
            )
    true = read_coco(truth)
    found = read_coco_results(predicted, true)
    silent = sum(len(each) == 0 for each in found.values())
    if silent:
        typer.echo(f"note: {silent} of {len(found)} pictures have no predicted object", err=True)
    with progress_bar("resampling") as progress:
        summary = score_coco(true, found, progress, group_by=group_by)
    content = summary.to_dict()
    _tell(summary, [_coco_table(content), _classes(content, ("ap", "ap50", "ar_100"), ("objects",))], out, as_json)


def _tell(
    summary: SegmentSummary,
    tables: Sequence[Table],
    out: Path | None,
    as_json: bool,
    *,
    table: Mapping[str, Any] | None = None,
    worst: str | None = None,
    lines: Sequence[str] = (),
) -> None:
    """Print the figures and write them, warnings first."""
    from intarsia.evaluate.saved import METRICS
    from intarsia.files import write_text

    content = summary.to_dict()
    if out is not None:
        saved = content if table is None else {**content, "table": table}
        write_text(out / METRICS, json.dumps(saved, ensure_ascii=False, indent=1) + "\n")
    if as_json:
        print_json(content)
        return
    screen = console()
    for warning in summary.warnings:
        screen.print(f"WARNING: {warning}", style="bold red")
    for each in tables:
        screen.print(each)
        screen.print()
    for line in lines:
        screen.print(line)
    if worst is not None and summary.images > 1:
        rows = [row for row in content["per_image"] if row[worst] is not None][:_WORST]
        screen.print("lowest images: " + ", ".join(f"{row['name']} {number(row[worst])}" for row in rows))
    screen.print(f"figures of all {summary.images} images together; intervals: {content['conventions']['interval']}")
    if out is not None:
        screen.print(f"wrote {out / METRICS}")


def _threshold_table(content: Mapping[str, Any]) -> Table:
    table = plain_table("IoU", "AP", "F1", "precision", "recall", "matched IoU", "PQ")
    for row in content["thresholds"]:
        first, *others = (row[f"{name}_dataset"] for name in _SHOWN)
        table.add_row(f"≥ {row['threshold']:.2f}", with_interval(first), *(number(each["value"]) for each in others))
    table.add_row("mean", with_interval(content["overall"]["mean_average_precision_dataset"]), style="bold")
    return table


def _averages(content: Mapping[str, Any]) -> list[str]:
    """The counts behind the tables, and the means over images."""
    row, overall = content["thresholds"][0], content["overall"]
    hits, spurious, missed = (row[name] for name in _COUNTS)
    at = f"IoU ≥ {row['threshold']:.2f}"
    return [
        f"{hits + missed:,} true and {hits + spurious:,} predicted objects; at {at}: {hits:,} matched,"
        f" {missed:,} missed, {spurious:,} spurious",
        f"AP as the mean over images: {with_interval(row['average_precision_per_image'])} at {at},"
        f" {with_interval(overall['mean_average_precision_per_image'])} over all thresholds",
    ]


def _size_table(content: Mapping[str, Any]) -> Table:
    table = plain_table("size of true object", "objects", f"found at IoU ≥ {content['thresholds'][0]['threshold']:.2f}")
    for row in content["sizes"]:
        table.add_row(row["size"], f"{row['objects']:,}", with_interval(row["recall"]))
    return table


def _coco_table(content: Mapping[str, Any]) -> Table:
    table = plain_table("mean over classes", "")
    for name, words in _COCO_NAMES.items():
        table.add_row(words, with_interval(content["overall"][name]))
    return table


def _panoptic_table(content: Mapping[str, Any]) -> Table:
    table = plain_table("mean over classes", "PQ", "SQ", "RQ")
    for words, kind in (("all", ""), ("things", "_things"), ("stuff", "_stuff")):
        table.add_row(words, *(with_interval(content["overall"][name + kind]) for name in ("pq", "sq", "rq")))
    return table


def _classes(content: Mapping[str, Any], figures: Sequence[str], counts: Sequence[str]) -> Table:
    """A row for each class that occurs; the first figure with its interval."""
    table = plain_table("class", *(_HEADS.get(name, name) for name in (*figures, *counts)))
    for row in content["classes"]:
        first, *others = (row[name] for name in figures)
        if first["value"] is not None:
            cells = [with_interval(first), *(number(each["value"]) for each in others)]
            table.add_row(row["name"], *cells, *(f"{row[name]:,}" for name in counts))
    return table
