"""Calling the program as a person would, without a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from intarsia.apps.cli.app import app


class Outcome(NamedTuple):
    """What is left of a call: its exit code, and what it printed."""

    code: int
    out: str
    error: str


def call(*arguments: str | Path) -> Outcome:
    """Run ``intarsia`` with these arguments."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return Outcome(result.exit_code, result.stdout, result.stderr)
