"""What people may import: complete, sorted, documented, and quick."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import intarsia

_SOURCE = Path(intarsia.__file__)


def test_names_are_sorted_and_unique() -> None:
    assert intarsia.__all__ == sorted(set(intarsia.__all__))
    assert dir(intarsia) == intarsia.__all__


@pytest.mark.parametrize("name", [name for name in intarsia.__all__ if name != "__version__"])
def test_every_name_is_there_and_documented(name: str) -> None:
    thing = getattr(intarsia, name)
    assert inspect.getdoc(thing)
    for attribute, member in vars(thing).items() if inspect.isclass(thing) else ():
        if not attribute.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
            assert inspect.getdoc(getattr(thing, attribute)), f"{name}.{attribute}"


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(_SOURCE.read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(intarsia.__all__) - {"__version__"}


def test_the_version_is_the_package_s() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{intarsia.__version__}"' in project


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'intarsia' has no attribute 'guess'"):
        _ = intarsia.guess


def test_importing_the_package_and_its_command_line_does_not_wait_for_torch() -> None:
    code = "import sys, intarsia, intarsia.apps.cli.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
