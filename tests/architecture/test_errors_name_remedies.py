"""Errors for people are one family, and each says what was found and what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import intarsia
from intarsia import errors

_PACKAGE = Path(intarsia.__file__).parent
_FAMILY = {name for name, thing in vars(errors).items() if isinstance(thing, type) and name.endswith("Error")}
# TypeError and AttributeError are for programmers; OSError is turned into OutputError where files are written.
_OTHERS = {"AttributeError", "KeyboardInterrupt", "OSError", "TypeError"}


def constructions() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FAMILY:
                yield f"{path.relative_to(_PACKAGE)}:{node.lineno}", node


def ends(node: ast.expr) -> tuple[str, str]:
    """The first and the last piece of a text as far as they are written out in the source."""
    pieces = node.values if isinstance(node, ast.JoinedStr) else [node]
    first, last = (piece.value if isinstance(piece, ast.Constant) else "" for piece in (pieces[0], pieces[-1]))
    return str(first), str(last)


@pytest.mark.parametrize("call", [pytest.param(call, id=place) for place, call in constructions()])
def test_an_error_says_what_to_do(call: ast.Call) -> None:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    assert given.keys() == {"where", "remedy"}
    assert len(call.args) == 1
    start, end = ends(given["remedy"])
    assert start == "" or start[0].isupper(), "a remedy is a sentence"
    assert not end.endswith("."), "the full stop comes by itself"
    assert not ends(call.args[0])[1].endswith("."), "the full stop comes by itself"


def test_what_people_cause_is_of_the_family() -> None:
    strangers = set()
    for path in sorted(_PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                strangers.add(node.exc.func.id)
    functions = {name for name in strangers if name.lstrip("_")[0].islower()}  # which build an error and return it
    assert strangers - functions <= _FAMILY | _OTHERS
