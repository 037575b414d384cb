"""``intarsia demo``: the whole job on real pictures, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from intarsia.apps.cli.console import console, progress_bar
from intarsia.errors import FetchError

if TYPE_CHECKING:
    from rich.console import Console

    from intarsia.train.recipe import Recipe

DataName = Literal["lungs", "shapes"]


def run(
    data: Annotated[
        DataName, typer.Option("--data", help="lungs: chest X-rays; shapes: synthetic, needs no network.")
    ] = "lungs",
    out: Annotated[Path, typer.Option("--out", help="The folder for the results.")] = Path("demo"),
) -> None:
    """Fetch pictures, split them by patient, check them, train, score on patients never seen, and report."""
    from intarsia import architectures
    from intarsia.apps.cli.evaluate import evaluate_to, show
    from intarsia.train.prepare import prepare
    from intarsia.train.run import run as train

    screen = console()
    name, folder = _fetch(data, screen)
    recipe = recipe_for(name, folder)
    with progress_bar("checking") as progress:
        prepared = prepare(recipe.data, recipe.seed, progress)
    for finding in prepared.examination.findings:
        screen.print(f"{finding.severity}: {finding.message}")
    sizes = ", ".join(f"{len(items)} {part}" for part, items in prepared.splits.items())
    screen.print(f"{name}: {len(prepared.examination.records)} pictures checked; {sizes}")
    _forget_other_run(out, recipe)
    result = train(recipe, prepared, architectures.build, out, screen)
    summary, written = evaluate_to(
        out,
        result.model,
        prepared.splits["test"],
        title=f"{name}: test pictures",
        details={"data": name, "split": "test"},
        curves=result.history,
    )
    show(summary, [out / "model.safetensors", out / "recipe.yaml", *written])


def recipe_for(name: DataName, folder: Path) -> Recipe:
    """A recipe that ends within minutes on two CPU cores; the planner's takes longer and scores a little higher."""
    from intarsia.data.lungs import PATIENT
    from intarsia.train.recipe import parse_recipe

    recipe: dict[str, Any] = {
        "data": {"folder": str(folder)},
        "model": {"arguments": {"depth": 4, "base_width": 16}},
        "optimizer": {"learning_rate": 3e-3, "warmup_steps": 20},
        "rounds": 8,
        "steps_per_round": 50 if name == "lungs" else 100,
    }
    if name == "lungs":
        recipe["data"]["group_by"] = PATIENT
        # The heart lies on one side: a mirrored film shows a body that hardly anyone has.
        recipe["augment"] = {"flip_horizontal": 0.0}
    return parse_recipe(recipe)


def _fetch(data: DataName, screen: Console) -> tuple[DataName, Path]:
    from intarsia.data.catalogue import fetch

    try:
        return data, fetch(data, report=screen.print)
    except FetchError as error:
        if data == "shapes":
            raise
        screen.print(f"{data} could not be fetched ({error.found}); going on with the synthetic shapes instead.")
        return "shapes", fetch("shapes", report=screen.print)


def _forget_other_run(out: Path, recipe: Recipe) -> None:
    """Start anew where ``out`` holds a finished demo or one of another recipe; an interrupted one is continued."""
    from intarsia.train.engine import BEST, LAST
    from intarsia.train.run import RECIPE_FILE
    from intarsia.weights import MODEL_FILE

    written = out / RECIPE_FILE
    unfinished = written.is_file() and not (out / MODEL_FILE).is_file()
    if not (unfinished and written.read_text(encoding="utf-8") == recipe.to_yaml()):
        for name in (BEST, LAST, MODEL_FILE):
            (out / name).unlink(missing_ok=True)
