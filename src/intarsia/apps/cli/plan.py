"""``intarsia plan``: the recipe that suits a data set, to read, change and train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intarsia.apps.cli.console import Json, console, print_json, progress_bar
from intarsia.apps.cli.doctor import Classes
from intarsia.errors import DataError

GroupBy = Annotated[
    str | None,
    typer.Option("--group-by", help="Regular expression with one group; pictures that share its text stay together."),
]


def run(
    data: Annotated[Path | None, typer.Argument(help="The data set's folder.")] = None,
    classes: Classes = None,
    group_by: GroupBy = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the recipe to this file.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of recipes instead.")] = False,
    as_json: Json = False,
) -> None:
    """Look at a data set and print the recipe `intarsia train` would use for it."""
    from intarsia.train.planner import plan
    from intarsia.train.recipe import DataPart, json_schema

    if schema:
        print_json(json_schema())
        return
    if data is None:
        raise DataError("no data set is named", where="DATA", remedy="Write `intarsia plan FOLDER`, or `--schema`")
    with progress_bar("reading") as progress:
        recipe = plan(
            DataPart(folder=str(data), classes=str(classes) if classes else None, group_by=group_by), progress
        )
    if out is not None:
        recipe.write(out)
        console(to_stderr=as_json).print(f"wrote {out}")
    if as_json:
        print_json(recipe.model_dump(mode="json"))
    elif out is None:
        console().print(recipe.to_yaml(), end="")
