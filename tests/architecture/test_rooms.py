"""The rooms keep their own rules, as far as no import contract can say them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import intarsia

_ROOT = Path(__file__).parents[2]
_PACKAGE = Path(intarsia.__file__).parent
_SOURCES = sorted(_PACKAGE.rglob("*.py"))
_MOST_LINES = 400
_DRAWERS = {"utils", "util", "misc", "helpers", "common"}
_FILE_CALLS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "iterdir", "glob"}
_WRITES = {"write_text", "write_bytes"}
_LOADERS = {"weights/checkpoint.py", "train/callbacks/checkpoints.py"}
# Put together here, so that this file does not hold what it looks for.
_LOCAL = ("index" + "-url", "find" + "-links", "/" + "work/")


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def tracked_texts() -> Iterator[tuple[Path, str]]:
    folders = [_ROOT / name for name in ("src", "tests", "docs", "bench", ".ci")]
    files = [*_ROOT.iterdir(), *(path for folder in folders for path in folder.rglob("*"))]
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, path.read_text(encoding="utf-8", errors="ignore")


def test_there_is_no_drawer() -> None:
    assert {path.stem for path in _PACKAGE.rglob("*")} & _DRAWERS == set()


def test_no_source_file_is_long() -> None:
    lengths = {str(path.relative_to(_PACKAGE)): path.read_text(encoding="utf-8").count("\n") for path in _SOURCES}
    assert {name: length for name, length in lengths.items() if length > _MOST_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in _SOURCES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


@pytest.mark.parametrize("path", sorted((_PACKAGE / "ops").glob("*.py")), ids=lambda path: path.name)
def test_ops_are_functions_that_touch_no_files(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.ClassDef):
            assert not any("Module" in ast.unparse(base) for base in node.bases), node.name
        if isinstance(node, ast.Call):
            assert called(node) not in _FILE_CALLS, ast.unparse(node)


def test_nothing_is_unpickled_but_tensors() -> None:
    loaders = set()
    for path in _SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "pickle.load", "pickle.loads"):
                assert "weights_only=True" in [ast.unparse(keyword) for keyword in node.keywords], path
                loaders.add(path.relative_to(_PACKAGE).as_posix())
    assert loaders == _LOADERS


def test_files_are_written_in_one_way() -> None:
    writers = set()
    for path in _SOURCES:
        for node in nodes(path):
            # The functions of intarsia.files are called by their bare names, the methods of a path on it.
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                writers |= {path.relative_to(_PACKAGE).as_posix()} if called(node) in _WRITES else set()
    assert writers == {"files.py"}


def test_nothing_names_a_machine_or_an_index() -> None:
    found = [(path, word) for path, text in tracked_texts() for word in _LOCAL if word in text]
    assert found == []
