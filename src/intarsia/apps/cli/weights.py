"""``intarsia weights``: the named pretrained weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal

from intarsia.apps.cli.console import Json, console, download_bar, plain_table, print_json

if TYPE_CHECKING:
    from intarsia.weights.catalogue import NamedWeights

app = typer.Typer(no_args_is_help=True, help="Named pretrained weights: list, fetch, add a downloaded file, check.")


@app.command("ls")
def names(as_json: Json = False) -> None:
    """Name all weights, with the encoder they are for, their licence, their size, and whether they are here."""
    from intarsia.weights.cache import weights_file
    from intarsia.weights.catalogue import CATALOGUE

    if as_json:
        print_json({name: _plain(entry, weights_file(name)) for name, entry in CATALOGUE.items()})
        return
    table = plain_table("name", "encoder", "licence", "size", "here")
    for column in table.columns[1:3]:
        column.justify = "left"
    for name, entry in CATALOGUE.items():
        here = "yes" if weights_file(name).is_file() else "no" if entry.file.sources else "no *"
        table.add_row(name, entry.encoder or "–", entry.license, decimal(entry.file.size), here)
    screen = console()
    screen.print(table)
    screen.print("* no public address: bring the file and run `intarsia weights add FILE`.", style="dim")
    screen.print("With --json: what they were trained on, their sources, and where they are.", style="dim")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name that `intarsia weights ls` shows.")], as_json: Json = False
) -> None:
    """Fetch weights, if they are not here, and print their file."""
    from intarsia.weights.cache import pull as pull_weights
    from intarsia.weights.catalogue import named_weights

    entry = named_weights(name)
    with download_bar() as (report, progress):
        path = pull_weights(name, report=report, progress=progress)
    if as_json:
        print_json({"name": name, **_plain(entry, path)})
        return
    console().print(str(path))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="The downloaded file or package; its content tells which it is.")],
) -> None:
    """Let a machine without a network in: keep weights that were fetched elsewhere."""
    from intarsia.weights.cache import add as add_file

    console().print(f"added {', '.join(add_file(file))}")


@app.command()
def verify(as_json: Json = False) -> None:
    """Read all weights that are here again, and delete those whose content is not what it should be."""
    from intarsia.weights.cache import verify as verify_files

    found = verify_files()
    damaged = [name for name, whole in found.items() if not whole]
    if as_json:
        print_json({"whole": [name for name, whole in found.items() if whole], "damaged": damaged})
    else:
        for name, whole in found.items():
            remedy = f"damaged and deleted; fetch it again: intarsia weights pull {name}"
            console().print(f"{name}: {'whole' if whole else remedy}")
        if not found:
            console().print("No named weights are here.")
    if damaged:
        raise typer.Exit(1)


def _plain(entry: NamedWeights, path: Path) -> dict[str, Any]:
    return {
        "summary": entry.summary,
        "encoder": entry.encoder or None,
        "license": entry.license,
        "training_data": entry.training_data,
        "size": entry.file.size,
        "sha256": entry.file.sha256,
        "sources": [str(source) for source in entry.file.sources],
        "file": str(path) if path.is_file() else None,
    }
