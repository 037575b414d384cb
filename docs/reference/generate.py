"""Write the reference pages that follow from the code: ``cli.md``, ``models.md``, ``python.md`` and ``recipe.md``.

``python docs/reference/generate.py`` writes them; with ``--check`` nothing is written, and the exit code is 1 when one
is not what the code says now. The text of a page up to ``MARKER`` is written by people and kept.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo

import intarsia
from intarsia.apps.cli.app import app
from intarsia.architectures import ARCHITECTURES
from intarsia.augment import AugmentPolicy
from intarsia.files import write_text
from intarsia.train.recipe import json_schema, parse_recipe

FOLDER = Path(__file__).parent
MARKER = "<!-- What follows is written by docs/reference/generate.py: do not edit it here. -->"

_KINDS = {Path: "path", str: "text", bool: "flag", int: "whole number", float: "number"}
_COLUMNS = ("key", "value", "default", "meaning")


def pages() -> dict[Path, str]:
    """The generated part of each page."""
    return {
        FOLDER / "cli.md": "\n".join(_cli()),
        FOLDER / "recipe.md": "\n".join(_recipe()),
        FOLDER / "models.md": "\n".join(_models()),
        FOLDER / "python.md": "\n".join(_python()),
    }


def current(page: Path, generated: str) -> str:
    """The whole text the page should have: its own head, then what is generated."""
    head, marker, _ = page.read_text(encoding="utf-8").partition(MARKER)
    assert marker, f"{page.name} has lost its marker line"
    return f"{head}{MARKER}\n\n{generated.strip()}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table and an empty line; what Markdown would take for its own or for HTML is escaped in the cells."""
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(re.sub(r"\||<(?=\w)", r"\\\g<0>", cell) for cell in row) + " |"
    yield ""


# --- the models ----------------------------------------------------------------------------------------------------


def _models() -> Iterator[str]:
    """From what ``intarsia models --measure --json`` printed into ``models.json``."""
    listed = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))
    side = listed["side"]
    yield (
        f"One picture of {side}×{side} pixels with {listed['channels']} channels, {listed['classes']} classes. Time:"
        f" {listed['measured']}.\n"
    )
    yield from table(
        ("model", "in a recipe", "parameters", "MACs", "receptive field", "memory", "time", "licence of weights"),
        (
            (
                f"[{row['name']}](../../src/intarsia/architectures/{row['architecture']}/README.md)",
                f"`{row['architecture']}`"
                + "".join(f", `{key}: {json.dumps(value)}`" for key, value in row["arguments"].items()),
                f"{row['parameters']:,}",
                f"{row['macs'] / 1e9:.1f} G",
                f"{row['receptive_field'] or 'whole image'}",
                f"{row['memory'] / 1e6:.0f} MB",
                f"{1000 * row['seconds']:.0f} ms",
                row["weights_license"],
            )
            for row in listed["models"]
        ),
    )


# --- the command line ----------------------------------------------------------------------------------------------


def _cli() -> Iterator[str]:
    yield "## intarsia\n"
    assert app.registered_callback is not None
    assert app.registered_callback.callback is not None
    yield from _parameters(app.registered_callback.callback)
    yield from _verbs(app, "intarsia")


def _verbs(group: typer.Typer, prefix: str) -> Iterator[str]:
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield f"## {prefix} {name}\n"
        yield f"{_paragraph(command.callback)}\n"
        yield from _parameters(command.callback)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from _verbs(inner.typer_instance, f"{prefix} {inner.name}")


def _parameters(callback: Callable[..., Any]) -> Iterator[str]:
    hints = typing.get_type_hints(callback, include_extras=True)
    rows = []
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, info = typing.get_args(hints[name])
        rows.append((_spelling(name, info), _kind(kind), _default(parameter.default, kind, info), info.help))
    yield from table(("", "kind", "default", "meaning"), rows)


def _spelling(name: str, info: ArgumentInfo | OptionInfo) -> str:
    if isinstance(info, ArgumentInfo):
        return f"`{info.metavar or name.upper()}`"
    # Inside Annotated, the first flag stands where a default otherwise would.
    flags = [flag for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str)]
    return ", ".join(f"`{flag}`" for flag in flags)


def _kind(kind: Any) -> str:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _kind(next(option for option in inside if option is not type(None)))
    if origin is typing.Literal:
        return _choice(inside)
    if origin is list:
        return f"{_kind(inside[0])}, repeatable"
    return _KINDS[kind]


def _default(value: Any, kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    if value is inspect.Parameter.empty:
        return "required"
    if value is None or kind is bool:
        return ""
    return f"`{value}`"


def _choice(values: Sequence[Any]) -> str:
    return " or ".join(f"`{value}`" for value in values)


# --- the recipe ----------------------------------------------------------------------------------------------------


def _recipe() -> Iterator[str]:
    schema = json_schema()
    defaults = parse_recipe({"data": {"folder": "DATA"}}).model_dump(mode="json")
    yield "## The run\n"
    parts = {name: _reference(entry) for name, entry in schema["properties"].items()}
    alone = {name: entry for name, entry in schema["properties"].items() if parts[name] is None}
    yield from table(_COLUMNS, _keys(alone, defaults, "", schema["required"]))
    for name, definition in parts.items():
        if definition is None:
            continue
        content = schema["$defs"][definition]
        if definition == AugmentPolicy.__name__:
            summary, meanings = _introduction(AugmentPolicy), arguments_of(AugmentPolicy)
        else:
            summary, meanings = content["description"], {}
        yield f"## {name}\n"
        yield f"{_code(summary)}\n"
        entries = {
            key: {**entry, "description": meanings.get(key, entry.get("description"))}
            for key, entry in content["properties"].items()
        }
        yield from table(_COLUMNS, _keys(entries, defaults[name], f"{name}.", content.get("required", ())))
    for name, build in ARCHITECTURES.items():
        yield from _architecture(name, build)


def _keys(
    entries: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, Any], prefix: str, required: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    for key, entry in entries.items():
        default = "required" if key in required else f"`{_yaml(defaults[key])}`"
        yield f"`{prefix}{key}`", _value(entry), default, _code(entry["description"])


def _reference(entry: Mapping[str, Any]) -> str | None:
    return str(entry["$ref"]).rpartition("/")[2] if "$ref" in entry else None


def _value(entry: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    if "anyOf" in entry:
        return " or ".join(_value(option) for option in entry["anyOf"])
    if "const" in entry or "enum" in entry:
        return _choice(entry.get("enum", [entry.get("const")]))
    if entry["type"] == "array":
        inside = _value(entry["items"] if "items" in entry else entry["prefixItems"][0])
        return f"{entry['maxItems']} × {inside}" if "prefixItems" in entry else f"list of {inside}s"
    words = {"string": "text", "integer": "whole number", "object": "mapping", "boolean": "true or false"}
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {entry[bound]:g}" for bound, sign in signs.items() if bound in entry]
    return " ".join([words.get(entry["type"], entry["type"]), ", ".join(bounds)]).strip()


def _yaml(value: Any) -> str:
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def _architecture(name: str, build: Callable[..., Any]) -> Iterator[str]:
    yield f"## model.arguments of `{name}`\n"
    yield f"{_code(_paragraph(build))}\n"
    meanings = arguments_of(build)
    given = ("in_channels", "num_classes")  # they follow from the data
    rows = [
        (f"`{key}`", f"`{_yaml(parameter.default)}`", _code(meanings[key]))
        for key, parameter in inspect.signature(build).parameters.items()
        if key not in given
    ]
    yield from table(("key", "default", "meaning"), rows)


# --- the Python surface --------------------------------------------------------------------------------------------


def _python() -> Iterator[str]:
    for name in intarsia.__all__:
        thing = getattr(intarsia, name)
        if inspect.isclass(thing):
            yield from _class(name, thing)
        elif callable(thing):
            yield f"## {name}\n"
            yield from _entry(name, thing)


def _class(name: str, thing: type) -> Iterator[str]:
    yield f"## {name}\n"
    yield from _entry(name, thing)
    fields = inspect.signature(thing).parameters
    for attribute, member in vars(thing).items():
        if attribute.startswith("_") or attribute in fields:
            continue
        if isinstance(member, property | functools.cached_property):
            getter = member.fget if isinstance(member, property) else member.func
            yield f"- `.{attribute}`: {_code(_paragraph(getter))}"
        else:
            function = member.__func__ if isinstance(member, classmethod) else member
            yield f"- `.{attribute}{_signature(function, skipped=1)}`: {_code(_paragraph(function))}"
    if issubclass(thing, Exception):
        for kind in sorted(thing.__subclasses__(), key=lambda kind: kind.__name__):
            yield f"- `{kind.__name__}`: {_code(_paragraph(kind))}"
    yield ""


def _entry(name: str, thing: Callable[..., Any]) -> Iterator[str]:
    yield f"```python\n{name}{_signature(thing)}\n```\n"
    yield f"{_code(_paragraph(thing))}\n"
    meanings = arguments_of(thing)
    if meanings:
        yield from table(("argument", "meaning"), [(f"`{key}`", _code(text)) for key, text in meanings.items()])


def _signature(thing: Callable[..., Any], skipped: int = 0) -> str:
    """A signature as it is written in the source, without its first ``skipped`` parameters."""
    signature = inspect.signature(thing)
    shown: list[str] = []
    for parameter in list(signature.parameters.values())[skipped:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        shown.append(f"{parameter.name}: {parameter.annotation}{default.replace('<factory>', '…')}")
    returned = "" if inspect.isclass(thing) else f" -> {signature.return_annotation}"
    return f"({', '.join(shown)}){returned}"


# --- docstrings ----------------------------------------------------------------------------------------------------


def arguments_of(thing: Any) -> dict[str, str]:
    """The entries of a docstring's ``Args:`` section, each on one line."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.getdoc(thing) or "", re.DOTALL | re.MULTILINE)
    if section is None:
        return {}
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", section[1], re.DOTALL | re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _paragraph(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _introduction(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("Args:")[0].split())


def _code(text: str) -> str:
    """Turn reStructuredText's marks into Markdown's."""
    named = re.sub(r":(?:data|func|meth|class):`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return named.replace("``", "`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` say which are stale."""
    parser = argparse.ArgumentParser(description="Write the reference pages that follow from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(arguments).check
    wanted = {page: current(page, generated) for page, generated in pages().items()}
    stale = [page for page, text in wanted.items() if page.read_text(encoding="utf-8") != text]
    for page in stale:
        if check:
            print(f"{page.name} is stale: run `python docs/reference/generate.py`", file=sys.stderr)
        else:
            write_text(page, wanted[page])
            print(f"wrote {page.name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
