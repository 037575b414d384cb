"""The program: its verbs, and what becomes of an error.

Each verb imports what it needs when it runs, so that ``intarsia --help`` does not wait for PyTorch.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from intarsia import __version__
from intarsia.apps.cli import (
    compare,
    data,
    demo,
    doctor,
    evaluate,
    inspect,
    models,
    plan,
    predict,
    score,
    train,
    tune_crf,
    weights,
)
from intarsia.errors import IntarsiaError

_INTERRUPTED = 130  # what shells expect after Ctrl-C: 128 + SIGINT


class _OneLineErrors(TyperGroup):
    """Errors for people are one line and a non-zero exit; ``--debug`` shows where they came from."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `… | head` has read enough, which is no error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except (Exception, KeyboardInterrupt) as error:
            worded_by_typer = type(error).__module__.startswith("typer.")  # wrong usage, and exits
            if worded_by_typer or ctx.params.get("debug"):
                raise
            print(f"Error: {_line(error)}", file=sys.stderr)
            sys.exit(_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1)


def _line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted; nothing was left half-written."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'output'}: the disk is full. Free some space, then run the same command again."
    if isinstance(error, IntarsiaError):
        return str(error)
    kind = type(error).__name__
    return f"{kind}: {error}. This is a defect of Intarsia: run again as `intarsia --debug …` and report it."


app = typer.Typer(cls=_OneLineErrors, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(show: bool) -> bool:
    if show:
        print(f"intarsia {__version__}")
        raise typer.Exit
    return show


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Image segmentation, from raw pictures to masks you can trust."""


app.command("demo")(demo.run)
app.command("doctor")(doctor.run)
app.command("plan")(plan.run)
app.command("train")(train.run)
app.command("evaluate")(evaluate.run)
app.command("score")(score.run)
app.command("compare")(compare.run)
app.command("inspect")(inspect.run)
app.command("predict")(predict.run)
app.command("tune-crf")(tune_crf.run)
app.command("models")(models.run)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """The entry point of the ``intarsia`` command."""
    app()
