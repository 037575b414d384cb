"""Rules by which finished masks are cleaned, class by class: specks dropped, holes filled, the largest pieces kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16

from intarsia.errors import RecipeError
from intarsia.nn.arguments import nearest
from intarsia.ops.cleanup import drop_specks, fill_holes, keep_largest
from intarsia.ops.components import Connectivity
from intarsia.ops.overlay import background_index
from intarsia.types import LabelMap, SemanticMap

PIXELS = "px"
UNITS = (PIXELS, "nm", "um", "µm", "mm", "cm", "m", "km")
OTHERS = "*"
"""Stands for each class that has no rules of its own; of the background only what it says of specks."""

_WHERE = "rules of cleaning"
_KINDS: Mapping[str, Any] = {
    "specks": int | float,
    "holes": int | float,
    "largest": int | None,
    "classes": Mapping,
    "unit": str,
    "corners": bool,
    "to": str | None,
}
_REMEDIES = {
    "specks": "Give a size of 0 or more",
    "holes": "Give a size of 0 or more",
    "largest": "Give a whole number of 1 or more",
    "classes": "Write `classes: {NAME: {specks: 50, holes: 200}}`",
    "unit": f"Choose of {', '.join(UNITS)}",
    "corners": "Give true or false",
    "to": "Give the name of a class",
    "--clean": "Write `specks=50,holes=200` or `CLASS:specks=50,largest=2`",
}

Ids = UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"]


@dataclass(frozen=True)
class ClassRules:
    """What is cleaned of one class.

    Args:
        specks: pieces smaller than this are dropped.
        holes: holes up to this size are filled.
        largest: how many pieces stay, of the largest; None keeps all.

    Raises:
        RecipeError: a value out of range.
    """

    specks: float | int = 0
    holes: float | int = 0
    largest: int | None = None

    def __post_init__(self) -> None:
        for key in ("specks", "holes"):
            if not 0 <= getattr(self, key) < math.inf:
                raise _wrong(key, getattr(self, key))
        if self.largest is not None and self.largest < 1:
            raise _wrong("largest", self.largest)


@dataclass(frozen=True)
class CleanRules:
    """How masks are cleaned: first specks are dropped, then the largest pieces kept, then holes filled.

    Args:
        classes: the rules of each class by its name; :data:`OTHERS` for the rest.
        unit: "px", or the unit of the spacing: sizes are then areas in its square, of volumes in its cube.
        corners: whether pieces that meet at a corner only are one.
        to: the name of the class that dropped pieces take; None is what surrounds each.

    Raises:
        RecipeError: an unknown unit.
    """

    classes: Mapping[str, ClassRules] = field(default_factory=dict)
    unit: str = PIXELS
    corners: bool = True
    to: str | None = None

    def __post_init__(self) -> None:
        _check_known("unit", self.unit, UNITS)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> CleanRules:
        """Read the plain form, for instance of a YAML file; :meth:`to_dict` writes it.

        ::

            unit: mm
            classes:
              lung: {specks: 50, holes: 200, largest: 2}
              "*": {specks: 10}

        Raises:
            RecipeError: an unknown key, naming the nearest, or a value that cannot be.
        """
        _check_form(content, cls)
        for name, rules in content.get("classes", {}).items():
            if not isinstance(rules, Mapping):
                raise _wrong("classes", {name: rules})
            _check_form(rules, ClassRules)
        classes = {name: ClassRules(**rules) for name, rules in content.get("classes", {}).items()}
        return cls(**{**content, "classes": classes})

    def to_dict(self) -> dict[str, Any]:
        """The plain form, without what is left at its default."""
        given = {name: _changed(rules) for name, rules in self.classes.items()}
        return {**_changed(replace(self, classes={})), **({"classes": given} if given else {})}

    @classmethod
    def parse(cls, texts: Sequence[str]) -> CleanRules:
        """Read what people type: ``specks=10,unit=mm`` and ``lung:specks=50,largest=2``.

        Args:
            texts: each ``key=value,…``; after ``CLASS:`` the rules of that class, else those of all others, or what
                holds for all (``unit``, ``corners``, ``to``).

        Raises:
            RecipeError: another form, an unknown key, or a value that cannot be.
        """
        content: dict[str, Any] = {}
        classes: dict[str, dict[str, Any]] = {}
        for text in texts:
            name, separator, pairs = text.rpartition(":")
            for pair in pairs.split(","):
                key, equals, value = (part.strip() for part in pair.partition("="))
                if not (equals and key and value):
                    raise _wrong("--clean", text)
                if key in {each.name for each in fields(ClassRules)} or separator:
                    classes.setdefault(name.strip() or OTHERS, {})[key] = _number(value)
                else:
                    content[key] = {"true": True, "false": False}.get(value.lower(), value)
        return cls.from_dict({**content, "classes": classes})


def clean(prediction: SemanticMap, rules: CleanRules, spacing: Sequence[float | int] | None = None) -> SemanticMap:
    """Clean a finished mask; its probabilities, if it has any, stay what the network gave.

    Args:
        prediction: the mask.
        rules: what to clean.
        spacing: height and width of a pixel in the unit of the rules; not needed where that is "px".

    Raises:
        RecipeError: as of :func:`clean_ids`.
        ShapeError: a spacing of another length than 2.
    """
    return replace(prediction, class_ids=clean_ids(prediction.class_ids, prediction.label_map, rules, spacing))


def clean_ids(ids: Ids, label_map: LabelMap, rules: CleanRules, spacing: Sequence[float | int] | None = None) -> Ids:
    """Clean class ids [H, W] of a picture or [D, H, W] of a volume; ignored pixels stay and surround nothing.

    Args:
        ids: uint8 or uint16.
        label_map: what they mean.
        rules: what to clean.
        spacing: the sides of a pixel or voxel, in the order of the axes and in the unit of the rules; not needed where
            that is "px".

    Returns:
        A new array.

    Raises:
        RecipeError: rules of a class that is not in the label map, naming the nearest, or sizes in a unit of length
            without a spacing.
        ShapeError: ids that are no uint8 or uint16 of two or three axes, or a spacing for another number of axes.
    """
    for name in rules.classes:
        _check_known("class", name, [*label_map.names, OTHERS])
    if rules.to is not None:
        _check_known("class", rules.to, label_map.names)
    if rules.unit != PIXELS and spacing is None:
        raise RecipeError(
            f"sizes are in {rules.unit}, but how large a pixel is is not known",
            where=_WHERE,
            remedy="Give the spacing of the pixels (`--spacing`), or sizes in px",
        )
    connectivity: Mapping[int, Connectivity] = {2: 8, 3: 26} if rules.corners else {2: 4, 3: 6}
    grid: dict[str, Any] = {
        "void": label_map.ignore,
        "spacing": spacing if rules.unit != PIXELS else None,
        "connectivity": connectivity.get(ids.ndim),
    }
    to = label_map.ids[label_map.names.index(rules.to)] if rules.to is not None else None
    of_ids = dict(zip(label_map.ids, _in_order(label_map, rules), strict=True))
    cleaned = ids.copy()
    if specks := {i: each.specks for i, each in of_ids.items() if each.specks}:
        cleaned = drop_specks(cleaned, specks, to=to, **grid)
    if largest := {i: each.largest for i, each in of_ids.items() if each.largest is not None}:
        cleaned = keep_largest(cleaned, largest, to=to, **grid)
    if holes := {i: each.holes for i, each in of_ids.items() if each.holes}:
        cleaned = fill_holes(cleaned, holes, **grid)
    return cleaned


def _in_order(label_map: LabelMap, rules: CleanRules) -> list[ClassRules]:
    """The rules of each class, in the order of the label map."""
    others = rules.classes.get(OTHERS, ClassRules())
    # An object is a hole of the background: to fill those is to drop objects, which nobody asks for by a star.
    of_background = ClassRules(specks=others.specks)
    behind = background_index(label_map)
    return [
        rules.classes.get(name, of_background if index == behind else others)
        for index, name in enumerate(label_map.names)
    ]


def _changed(rules: Any) -> dict[str, Any]:
    """The fields that are not at their default."""
    default = type(rules)()
    return {
        each.name: getattr(rules, each.name)
        for each in fields(rules)
        if getattr(rules, each.name) != getattr(default, each.name)
    }


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _check_form(content: Mapping[str, Any], kind: type) -> None:
    """Refuse unknown keys and values of another type."""
    for key, value in content.items():
        _check_known("key", key, [each.name for each in fields(kind)])
        if not isinstance(value, _KINDS[key]) or (isinstance(value, bool) and _KINDS[key] is not bool):
            raise _wrong(key, value)


def _check_known(what: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise RecipeError(
            f"there is no {what} {value!r}",
            where=_WHERE,
            remedy=f"{nearest(str(value), choices)}{', '.join(choices)}",
        )


def _wrong(key: str, value: object) -> RecipeError:
    return RecipeError(f"{key} is {value!r}", where=_WHERE, remedy=_REMEDIES[key])
