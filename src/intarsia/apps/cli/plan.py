"""``intarsia plan``: the recipe that suits a data set, to read, change and train, and why it is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from intarsia.apps.cli.console import Json, console, print_json, progress_bar
from intarsia.apps.cli.doctor import Classes
from intarsia.errors import DataError

if TYPE_CHECKING:
    from intarsia.train.explain import Answered, Explanation

GroupBy = Annotated[
    str | None,
    typer.Option("--group-by", help="Regular expression with one group; pictures that share its text stay together."),
]


def run(
    data: Annotated[Path | None, typer.Argument(help="The data set's folder.")] = None,
    classes: Classes = None,
    group_by: GroupBy = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the recipe to this file.")] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Say why each key is what it is, and which task suits the data.")
    ] = False,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", help="Answer a question of --explain yourself, as in count=yes.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of recipes instead.")] = False,
    as_json: Json = False,
) -> None:
    """Look at a data set and print the recipe `intarsia train` would use for it."""
    from intarsia.architectures import ARCHITECTURES
    from intarsia.train.explain import explain
    from intarsia.train.explain_task import parse_answers
    from intarsia.train.planner import plan_for
    from intarsia.train.prepare import prepare
    from intarsia.train.recipe import DataPart, json_schema

    if schema:
        print_json(json_schema())
        return
    if data is None:
        raise DataError("no data set is named", where="DATA", remedy="Write `intarsia plan FOLDER`, or `--schema`")
    given = parse_answers(answer or ())
    part = DataPart(folder=str(data), classes=str(classes) if classes else None, group_by=group_by)
    with progress_bar("reading") as progress:
        prepared = prepare(part, seed=0, progress=progress)
    recipe = plan_for(part, prepared)
    explanation = None
    if explained or given:
        with progress_bar("measuring") as progress:
            explanation = explain(recipe, prepared, available=ARCHITECTURES, given=given, progress=progress)
    if out is not None:
        recipe.write(out)
        console(to_stderr=as_json).print(f"wrote {out}")
    if as_json:
        content = recipe.model_dump(mode="json")
        print_json(content if explanation is None else {"recipe": content, "explanation": explanation.to_dict()})
    elif explanation is not None:
        _print(console(), explanation)
    elif out is None:
        console().print(recipe.to_yaml(), end="")


def _print(screen: Console, explanation: Explanation) -> None:
    screen.print("Why the recipe is what it is", style="bold")
    for reason in explanation.reasons:
        screen.print(f"  {reason.key}: {'none' if reason.value is None else reason.value}", style="cyan")
        screen.print(f"    {reason.why}")
    screen.print("\nWhich task suits the data", style="bold")
    for answered in explanation.answers:
        _print_answer(screen, answered)
    chosen = explanation.recommendation
    screen.print("\nRecommended", style="bold")
    here = "in this version" if chosen.usable else "the field's standard, not in this version yet"
    screen.print(f"  {chosen.task}, with {chosen.architecture.name} ({chosen.architecture.source}): {here}")
    for line in (chosen.meanwhile, *(f"unless: {change}" for change in chosen.unless)):
        if line:
            screen.print(f"  {line}")


def _print_answer(screen: Console, answered: Answered) -> None:
    if answered.answer is None:
        screen.print(f"  {answered.question} Only you can tell:", style="cyan")
        for answer, means in answered.means.items():
            screen.print(f"    {answer}: {means} (--answer {answered.key}={answer})")
        return
    screen.print(f"  {answered.question} {answered.answer}", style="cyan")
    source = "as you say" if answered.source == "you" else answered.evidence
    screen.print(f"    {source}")
    screen.print(f"    {answered.means[answered.answer]}")
