"""``intarsia data``: the named data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intarsia.apps.cli.console import Json, console, print_json

app = typer.Typer(no_args_is_help=True, help="Named data sets: list, fetch, or add a downloaded file.")


@app.command("list")
def names(as_json: Json = False) -> None:
    """Name every data set, with its size, source and licence."""
    from intarsia.data.catalogue import CATALOGUE

    entries = {name: entry.summary for name, entry in CATALOGUE.items()}
    if as_json:
        print_json(entries)
        return
    for name, description in entries.items():
        console().print(f"{name}: {description}")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A name that `intarsia data list` shows.")]) -> None:
    """Fetch a data set into the cache and print its folder."""
    from intarsia.data.catalogue import fetch as fetch_set

    console().print(str(fetch_set(name)))


@app.command()
def add(file: Annotated[Path, typer.Argument(help="The downloaded file; its content tells which set it is.")]) -> None:
    """Let a machine without a network in: take a file that was fetched elsewhere."""
    from intarsia.data.catalogue import add as add_file

    console().print(f"added {add_file(file)}")
