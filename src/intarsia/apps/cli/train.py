"""``intarsia train``: from a data set or a recipe to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intarsia.apps.cli.console import Json, console, download_bar, print_json, progress_bar
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.plan import GroupBy
from intarsia.errors import RecipeError

if TYPE_CHECKING:
    from intarsia.train.recipe import Recipe


def run(
    source: Annotated[
        Path | None, typer.Argument(metavar="DATA|recipe.yaml", help="A data set's folder, or a recipe.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The run folder; default runs/<name of the data>.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one key of the recipe, as in optimizer.learning_rate=3e-4."),
    ] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Continue an interrupted run folder.")] = None,
    classes: Classes = None,
    group_by: GroupBy = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or mps.")] = None,
    as_json: Json = False,
) -> None:
    """Train a model, validating as it goes and keeping the best; Ctrl-C loses at most the current round."""
    from intarsia import architectures
    from intarsia.train.engine import LAST
    from intarsia.train.prepare import prepare
    from intarsia.train.recipe import override
    from intarsia.train.run import RECIPE_FILE
    from intarsia.train.run import run as train
    from intarsia.weights import MODEL_FILE, find_weights

    folder = _resumed(source, resume, settings) if resume else None
    recipe = _recipe(folder / RECIPE_FILE if folder else source, classes, group_by, settings or [])
    if device:
        recipe = override(recipe, [f"device={device}"])
    folder = folder or _new_folder(out or Path("runs") / Path(recipe.data.folder).resolve().name)
    screen = console(to_stderr=as_json)
    if recipe.model.encoder_weights and not (folder / LAST).is_file():
        # Fetched first: a wrong name is not to wait until all pictures are read.
        with download_bar() as (report, received):
            encoder = str(recipe.model.arguments.get("encoder", ""))
            find_weights(recipe.model.encoder_weights, encoder, report=report, progress=received)
    with progress_bar("reading") as progress:
        data = prepare(recipe.data, recipe.seed, progress)
    for note in data.notes:
        screen.print(f"note: {note}")
    result = train(recipe, data, architectures.build, folder, screen)
    best = max(result.history, key=lambda row: row["val_mean_iou"])
    model = folder / MODEL_FILE
    if as_json:
        print_json({"model": str(model), "best": dict(best), "history": [dict(row) for row in result.history]})
        return
    screen.print(
        f"best round {best['round']:.0f} of {len(result.history)}: validation mean IoU {best['val_mean_iou']:.3f}"
    )
    screen.print(f"wrote {model}")
    screen.print(f"next: intarsia evaluate {folder} {recipe.data.folder}")


def _resumed(source: Path | None, resume: Path, settings: list[str] | None) -> Path:
    if source or settings:
        raise RecipeError(
            "a run is continued as it was begun",
            where="--resume",
            remedy="Leave out DATA and --set, or begin a new run",
        )
    if not (resume / "recipe.yaml").is_file():
        raise RecipeError("holds no recipe.yaml", where=resume, remedy="Name the run folder that `intarsia train` made")
    return resume


def _recipe(source: Path | None, classes: Path | None, group_by: str | None, settings: list[str]) -> Recipe:
    from intarsia.train.planner import plan
    from intarsia.train.recipe import DataPart, override, read_recipe

    if source is None:
        raise RecipeError("no data set or recipe is named", where="DATA", remedy="Write `intarsia train FOLDER`")
    if source.suffix.lower() in (".yaml", ".yml"):
        recipe = read_recipe(source)
        given = {"data.classes": classes, "data.group_by": group_by}
        settings = [*(f"{key}={value}" for key, value in given.items() if value is not None), *settings]
    else:
        with progress_bar("planning") as progress:
            part = DataPart(folder=str(source), classes=str(classes) if classes else None, group_by=group_by)
            recipe = plan(part, progress)
    return override(recipe, settings)


def _new_folder(folder: Path) -> Path:
    if (folder / "recipe.yaml").is_file():
        raise RecipeError(
            "already holds a run",
            where=folder,
            remedy=f"Continue it with `intarsia train --resume {folder}`, or name another folder with --out",
        )
    return folder
