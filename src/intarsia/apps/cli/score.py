"""``intarsia score``: mask files of any origin against the truth, counted as ``intarsia evaluate`` counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Json, print_json, progress_bar
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.evaluate import SpacingOption, SurfaceToleranceOption, ToleranceOption, VoidOption, show
from intarsia.apps.cli.plan import GroupBy
from intarsia.apps.cli.score_segments import run_instance, run_panoptic
from intarsia.errors import DataError, RecipeError

if TYPE_CHECKING:
    from intarsia.metrics.picture import CountOptions
    from intarsia.types import LabelMap


def run(
    predicted: Annotated[Path, typer.Argument(help="A mask file, a folder of masks, or COCO JSON.")],
    truth: Annotated[Path, typer.Argument(help="The true mask, a folder of masks with the same names, or COCO JSON.")],
    task: Annotated[
        str, typer.Option("--task", help="What the files hold: semantic (class ids), instance or panoptic.")
    ] = "semantic",
    classes: Classes = None,
    void: VoidOption = "exclude",
    tolerances: ToleranceOption = None,
    spacing: SpacingOption = None,
    surface_tolerances: SurfaceToleranceOption = None,
    group_by: GroupBy = None,
    resize: Annotated[
        str, typer.Option("--resize", help="never, or nearest: bring predictions of another size to that of the truth.")
    ] = "never",
    images: Annotated[
        Path | None, typer.Option("--images", help="The folder of the pictures, to show the worst in the report.")
    ] = None,
    ignore: Annotated[
        int | None, typer.Option("--ignore", help="With --task instance: the id of void pixels in true masks.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write metrics.json there, and report.html for class masks.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score masks that any program made: pixel values are class ids (or objects, see --task), names pair the files."""
    from intarsia.metrics.picture import CountOptions

    semantic = {
        "--classes": classes,
        "--void": void != "exclude",
        "--tolerance": tolerances,
        "--spacing": spacing,
        "--surface-tolerance": surface_tolerances,
        "--resize": resize != "never",
        "--images": images,
    }
    _check_task(task, semantic, ignore)
    if task == "instance":
        run_instance(predicted, truth, out, as_json, ignore, group_by=group_by)
    elif task == "panoptic":
        run_panoptic(predicted, truth, out, as_json, group_by=group_by)
    else:
        run_semantic(
            predicted,
            truth,
            classes,
            void=void,
            options=CountOptions.parse(tolerances or (), spacing, surface_tolerances or ()),
            group_by=group_by,
            resize=resize,
            images=images,
            out=out,
            as_json=as_json,
        )


def run_semantic(
    predicted: Path,
    truth: Path,
    classes: Path | None,
    *,
    void: str,
    options: CountOptions,
    group_by: str | None,
    resize: str,
    images: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Score masks of class ids; ``options`` say what is counted, the others are the options of the same names."""
    from intarsia.evaluate.evaluation import summarize_all
    from intarsia.evaluate.provenance import all_right, pair_warnings
    from intarsia.evaluate.runner import file_examples, pair_masks, score_files
    from intarsia.evaluate.write import Shown, ranked, write_evaluation
    from intarsia.metrics.class_counts import void_convention

    convention = void_convention(void)
    if resize not in ("never", "nearest"):
        raise RecipeError(
            f"there is no way to resize called {resize!r}", where="--resize", remedy="Write never or nearest"
        )
    if images is not None and not images.is_dir():
        raise DataError("is not a folder", where=images, remedy="Name the folder of the pictures")
    if images is not None and out is None:
        raise RecipeError("pictures are shown in the report", where="--images", remedy="Add `--out FOLDER` to have one")
    pairs = pair_masks(predicted, truth)
    label_map = find_classes(classes, truth, [path for _, path in pairs])
    with progress_bar("scoring") as progress:
        table = score_files(
            pairs,
            label_map,
            progress,
            resize="nearest" if resize == "nearest" else None,
            group_by=group_by,
            options=options,
        )
    warnings = pair_warnings(pairs, identical=all_right(table.dataset))
    if resize == "nearest":
        warnings.append("predictions of another size than their truth were resized by nearest neighbor before scoring")
    summary = summarize_all(table, void=convention, warnings=warnings)
    written = []
    if out is not None:
        details = {"predicted": str(predicted), "truth": str(truth), "resized": resize}
        shown = Shown()
        if images is not None:
            shown = ranked(summary, table, convention).shown(
                lambda names: file_examples(pairs, images, label_map, names, convention)
            )
        written = write_evaluation(out, summary, table, shown, title=f"{predicted} against {truth}", details=details)
    if as_json:
        print_json(summary.to_dict())
    else:
        show(summary, written)


def _check_task(task: str, semantic: Mapping[str, object], ignore: int | None) -> None:
    if task not in ("semantic", "instance", "panoptic"):
        raise RecipeError(
            f"there is no task called {task!r}", where="--task", remedy="Write semantic, instance or panoptic"
        )
    foreign = [option for option, given in semantic.items() if given] if task != "semantic" else []
    foreign += ["--ignore"] if ignore is not None and task != "instance" else []
    if foreign:
        raise RecipeError(
            f"does not apply to the task {task}", where=foreign, remedy="Leave it out, or choose another --task"
        )


def find_classes(classes: Path | None, truth: Path, masks: list[Path]) -> LabelMap:
    """The class list that is named, or that lies beside the true masks, or that their ids tell, which is said."""
    from intarsia.data.formats.classes import infer_classes, read_classes

    beside = (truth if truth.is_dir() else truth.parent).parent / "classes.yaml"
    if classes is not None or beside.is_file():
        return read_classes(classes or beside)
    label_map, note = infer_classes(masks, truth)
    typer.echo(f"note: {note}", err=True)
    return label_map
