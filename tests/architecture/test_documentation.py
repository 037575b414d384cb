"""The documentation says what the code does: generated pages, commands, keys, links and numbers."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer.main
import yaml

import intarsia
from intarsia.apps.cli.app import app
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ScoreTable
from intarsia.train import planner
from intarsia.train.callbacks.history import rows_to_csv
from intarsia.train.recipe import override, parse_recipe
from intarsia.types import LabelMap
from intarsia.weights import ModelCard

_ROOT = Path(__file__).parents[2]
_DOCS = _ROOT / "docs"
_PAGES = sorted([*_ROOT.glob("*.md"), *_DOCS.rglob("*.md"), *(_ROOT / "src").rglob("*.md")])
# Written by running benchmarks and the demo, so a checkout may be without them.
_MADE = ("docs/benchmarks/", "docs/images/")

each_page = pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The code blocks of a page that are of one of these languages ("" for none)."""
    for language, code in re.findall(
        r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        if language in languages:
            yield code


def commands(page: Path) -> Iterator[list[str]]:
    """Every ``intarsia …`` line of a page, in blocks and inline, as its words."""
    lines = [line for code in blocks(page, "", "bash", "sh") for line in code.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    for line in lines:
        found = re.match(r"(?:[A-Z_]+=\S+ )?(intarsia (?![A-Z]+ …).*)", line.strip())
        if found:
            yield shlex.split(found[1], comments=True)


def verbs() -> dict[tuple[str, ...], set[str]]:
    """The flags of every verb, by its words."""
    root: Any = typer.main.get_command(app)

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
        yield words, {flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")}
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*words, name))

    return dict(walk(root, ()))


VERBS = verbs()


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", _DOCS / "reference" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current(generator: ModuleType) -> None:
    stale = [
        page.name
        for page, generated in generator.pages().items()
        if page.read_text(encoding="utf-8") != generator.current(page, generated)
    ]
    assert stale == [], "run `python docs/reference/generate.py`"


def test_the_generator_s_check_tells_stale_pages(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in generator.pages():
        (tmp_path / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    shutil.copy(_DOCS / "reference/models.json", tmp_path)
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    assert generator.main(["--check"]) == 0
    (tmp_path / "cli.md").write_text(f"# Mine\n{generator.MARKER}\nold\n", encoding="utf-8")
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    assert (tmp_path / "cli.md").read_text(encoding="utf-8").startswith("# Mine\n")


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(words) or "intarsia")
def test_every_flag_is_in_the_reference(words: tuple[str, ...]) -> None:
    text = (_DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    if words in (("data",), ("weights",)):  # a group has no section of its own
        return
    section = re.search(rf"^## {' '.join(('intarsia', *words))}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    assert [flag for flag in VERBS[words] - {"--help"} if f"`{flag}`" not in section[1]] == []


@each_page
def test_every_command_shown_exists(page: Path) -> None:
    for _, *words in commands(page):
        leading = [word for word in words if word != "--debug"]
        depth = 2 if leading[:1] in (["data"], ["weights"]) and len(leading) > 1 else 1
        if not leading or leading[0].startswith("-") or "|" in leading or leading[0] in ("VERB", "…"):
            depth = 0
        verb = tuple(leading[:depth])
        assert verb in VERBS, f"intarsia {' '.join(words)}"
        flags = {word for word in words if re.match(r"--[a-z]", word)}
        assert flags <= VERBS[verb] | VERBS[()] | {"--help"}, f"intarsia {' '.join(words)}"


@each_page
def test_every_set_key_shown_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    settings = [quoted or plain for quoted, plain in re.findall(r"--set (?:'([^']+=[^']+)'|([\w.]+=[^\s`|]+))", text)]
    shown = [setting for setting in settings if not setting.endswith("…") and setting != "KEY=VALUE"]
    override(parse_recipe({"data": {"folder": "cells"}}), shown)


@each_page
def test_every_yaml_block_can_be_read(page: Path) -> None:
    for code in blocks(page, "yaml"):
        content = yaml.safe_load(code)
        if "data" in content:
            parse_recipe(content)
        else:
            LabelMap.from_dict(content)


def exists(module: str, name: str) -> bool:
    """Whether ``from module import name`` works, for a name in a module or a module in a package."""
    found = importlib.import_module(module)
    return hasattr(found, name) or (
        hasattr(found, "__path__") and importlib.util.find_spec(f"{module}.{name}") is not None
    )


@each_page
def test_every_name_imported_or_used_in_python_exists(page: Path) -> None:
    for code in blocks(page, "python"):
        if page.name == "python.md" and "import" not in code:  # a signature
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("intarsia"):
                assert [alias.name for alias in node.names if not exists(node.module, alias.name)] == []
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "intarsia":
                assert node.attr in intarsia.__all__


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    for target in filter(None, targets):
        path = (page.parent / target).resolve()
        made = str(path.relative_to(_ROOT.resolve())).startswith(_MADE)
        assert made or path.exists(), target


def test_every_page_is_in_the_index() -> None:
    index = (_DOCS / "README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(_DOCS)) for page in _DOCS.rglob("*.md") if page != _DOCS / "README.md"]
    assert [page for page in pages if f"({page})" not in index] == []


def test_decisions_are_numbered_without_gaps_and_have_the_three_parts() -> None:
    records = sorted((_DOCS / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(record.name[:4])}. "), record.name
        assert re.findall(r"^## (.+)", text, re.MULTILINE) == ["Context", "Decision", "Consequence"], record.name


def test_the_planner_s_numbers_are_those_explained() -> None:
    text = (_DOCS / "explanation" / "planning.md").read_text(encoding="utf-8")
    constants = {name: value for name, value in vars(planner).items() if name.startswith("_") and type(value) is int}
    assert constants
    assert [name for name, value in constants.items() if f"| `{name}` | {value} |" not in text] == []
    assert set(re.findall(r"^\| `(_\w+)`", text, re.MULTILINE)) == constants.keys()


def test_what_files_hold_is_described() -> None:
    text = (_DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    labels = LabelMap(names=("background", "lung"))
    table = ScoreTable(labels, ("a",), ("a",), np.diag([1, 1, 0]).astype(np.int64)[None])
    metrics = {**summarize(table, resamples=1).to_dict(), "table": table.to_dict()}
    columns = rows_to_csv([]).strip().split(",")
    described = [
        *metrics,
        *metrics["overall"],
        *metrics["classes"][0],
        *metrics["per_image"][0],
        *metrics["table"],
        *columns,
        *(field.name for field in dataclasses.fields(ModelCard)),
    ]
    assert [key for key in described if f"`{key}`" not in text] == []
