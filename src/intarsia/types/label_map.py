"""What the pixel values of a mask mean."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16, UInt8, UInt16

from intarsia.errors import DataError

IGNORE_INDEX = -1
"""The class index of a pixel that reaches no loss, no metric and no statistic."""

_MAX_ID = 65535
_BEHIND = {"background", "bg", "back", "backgnd", "other", "others", "rest", "none", "nothing", "empty", "class 0", "0"}


@dataclass(frozen=True)
class LabelMap:
    """The classes of a data set: their ids in mask files, names, display colors, and the one id to ignore.

    Two numberings exist and are never mixed. An *id* is a pixel value of a mask file (0–65535, gaps allowed:
    a mask of 0 and 255 has the ids 0 and 255). An *index* is a network channel, 0 … K−1 in the order of ``ids``,
    with :data:`IGNORE_INDEX` for ignored pixels.

    Args:
        names: one name a class, in channel order; unique.
        ids: the id of each class; default 0 … K−1.
        colors: sRGB 0–255 a class; default is a palette of well separated hues, black for a background class.
        things: ids of countable objects (the others are stuff).
        ignore: the id of pixels to leave out ("void"), or None when every pixel counts.

    Raises:
        DataError: lengths that differ, names or ids that repeat, ids out of range, an ignore id that is a class.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...] = ()
    colors: tuple[tuple[int, int, int], ...] = ()
    things: frozenset[int] = field(default_factory=frozenset)
    ignore: int | None = None

    def __post_init__(self) -> None:
        if not self.ids:
            object.__setattr__(self, "ids", tuple(range(len(self.names))))
        if not self.colors:
            object.__setattr__(self, "colors", default_colors(self.names))
        problem = self._problem()
        if problem:
            raise DataError(problem, where="class list", remedy="Correct the class list (classes.yaml)")

    def _problem(self) -> str | None:
        if not self.names:
            return "there is no class at all"
        if not len(self.names) == len(self.ids) == len(self.colors):
            return f"{len(self.names)} names, {len(self.ids)} ids and {len(self.colors)} colors do not pair up"
        for what, values in (("name", self.names), ("id", self.ids)):
            repeated = sorted({value for value in values if values.count(value) > 1}, key=str)
            if repeated:
                return f"the {what} {repeated[0]!r} stands for more than one class"
        outside = [value for value in (*self.ids, *_optional(self.ignore)) if not 0 <= value <= _MAX_ID]
        if outside:
            return f"the id {outside[0]} is outside 0–{_MAX_ID}, the values a mask file can hold"
        if self.ignore in self.ids:
            return (
                f"the ignore id {self.ignore} is also the id of the class {self.names[self.ids.index(self.ignore)]!r}"
            )
        unknown = sorted(self.things - set(self.ids))
        if unknown:
            return f"the thing id {unknown[0]} is not the id of a class"
        return None

    @property
    def num_classes(self) -> int:
        """K, the number of classes; the ignore id is not one."""
        return len(self.names)

    @property
    def id_dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The smallest dtype that holds every id and the ignore id."""
        return np.uint8 if max((*self.ids, *_optional(self.ignore))) <= 255 else np.uint16

    @cached_property
    def index_of_id(self) -> Int16[np.ndarray, "65536"]:
        """Lookup from id to index: 0 … K−1 for classes, K for the ignore id, K+1 for an id that is neither."""
        table = np.full(_MAX_ID + 1, self.num_classes + 1, dtype=np.int16)
        table[list(self.ids)] = np.arange(self.num_classes, dtype=np.int16)
        if self.ignore is not None:
            table[self.ignore] = self.num_classes
        return table

    def unknown_ids(self, mask: UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"]) -> tuple[int, ...]:
        """The ids in ``mask`` that are neither a class nor the ignore id, ascending."""
        if mask.dtype == np.uint8:  # a histogram over 256 values is several times faster than np.unique's sort
            present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
        else:
            present = np.unique(mask)
        return tuple(int(value) for value in present[self.index_of_id[present] > self.num_classes])

    def ids_to_indices(
        self, mask: UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"], where: str | Path = "mask"
    ) -> Int16[np.ndarray, "*size"]:
        """Turn mask-file ids into class indices, with :data:`IGNORE_INDEX` where the mask is void.

        Args:
            mask: ids of any shape.
            where: what to call the mask in an error, its file for instance.

        Raises:
            DataError: the mask holds an id that is neither a class nor the ignore id.
        """
        unknown = self.unknown_ids(mask)
        if unknown:
            raise DataError(
                f"holds {_ids_in_words(unknown)}, but the classes are {self.describe()}",
                where=where,
                remedy="Correct the mask, or list the id in classes.yaml as a class or as `ignore`",
            )
        table = self.index_of_id.copy()
        table[table >= self.num_classes] = IGNORE_INDEX
        indices: Int16[np.ndarray, "*size"] = table[mask]
        return indices

    def indices_to_ids(
        self, indices: Int16[np.ndarray, "*size"]
    ) -> UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"]:
        """Turn class indices into mask-file ids; :data:`IGNORE_INDEX` becomes the ignore id, which must then exist."""
        ids = np.asarray((*self.ids, self.ignore if self.ignore is not None else 0), dtype=self.id_dtype)
        assert self.ignore is not None or not (indices == IGNORE_INDEX).any(), "no id stands for an ignored pixel"
        masks: UInt8[np.ndarray, "*size"] | UInt16[np.ndarray, "*size"] = ids[
            indices
        ]  # IGNORE_INDEX, −1, picks the last
        return masks

    def describe(self) -> str:
        """The ids and names in one line, for messages: ``0 background, 255 lung, ignore 3``."""
        pairs = [f"{i} {name}" for i, name in zip(self.ids, self.names, strict=True)]
        return ", ".join(pairs + [f"ignore {value}" for value in _optional(self.ignore)])

    def to_dict(self) -> dict[str, Any]:
        """The plain form that ``classes.yaml`` and the model card hold; :meth:`from_dict` reads it back."""
        classes = [
            {"id": i, "name": name, "color": list(color)} | ({"thing": True} if i in self.things else {})
            for i, name, color in zip(self.ids, self.names, self.colors, strict=True)
        ]
        return {"classes": classes, "ignore": self.ignore}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> LabelMap:
        """Read the plain form: ``classes`` is a list of names, or of ``{id, name, color?, thing?}``, or ``{id: name}``.

        Raises:
            DataError: a form that is none of these, or any problem the constructor names.
        """
        classes = content.get("classes")
        extra = sorted(set(content) - {"classes", "ignore"})
        if extra or not isinstance(classes, list | Mapping) or not classes:
            found = f"the key {extra[0]!r} is unknown" if extra else "the key `classes` is missing or empty"
            raise DataError(
                found, where="class list", remedy="Give `classes:` as a list of names, and optionally `ignore: ID`"
            )
        if isinstance(classes, Mapping):
            entries = [{"id": key, "name": value} for key, value in classes.items()]
        else:
            entries = [
                dict(item) if isinstance(item, Mapping) else {"id": i, "name": item} for i, item in enumerate(classes)
            ]
        for entry in entries:
            # YAML reads an unquoted yes, no, on, off or 1 as something else than text.
            if type(entry.get("id")) is not int or not isinstance(entry.get("name"), str):
                raise DataError(
                    f"the entry {entry} lacks a whole-number id or a name that is text",
                    where="class list",
                    remedy='Write each class as `- {id: 0, name: "background"}`, with the name in quotes',
                )
        defaults = default_colors([entry["name"] for entry in entries])
        return cls(
            names=tuple(entry["name"] for entry in entries),
            ids=tuple(entry["id"] for entry in entries),
            colors=tuple(_color(entry.get("color", default)) for entry, default in zip(entries, defaults, strict=True)),
            things=frozenset(entry["id"] for entry in entries if entry.get("thing")),
            ignore=content.get("ignore"),
        )


def default_colors(names: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    """One sRGB color a class: hues a golden-ratio turn apart in three brightness bands.

    The first class is black if its name says that it is no object but what lies behind them (background, other, none,
    …, or ``class 0`` where classes have no names): a street scene's sky is drawn, a cell picture's background is not.
    """
    behind = bool(names) and names[0].strip().lower() in _BEHIND
    colors = [(0, 0, 0)] * behind
    for k in range(len(names) - behind):
        red, green, blue = colorsys.hsv_to_rgb((0.55 + k * 0.618034) % 1.0, 0.85 - 0.25 * (k % 2), 1.0 - 0.2 * (k % 3))
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colors)


def _color(value: Any) -> tuple[int, int, int]:
    if not (isinstance(value, list | tuple) and len(value) == 3 and all(0 <= int(c) <= 255 for c in value)):
        raise DataError(
            f"the color {value!r} is not three numbers 0–255", where="class list", remedy="Write `color: [R, G, B]`"
        )
    return int(value[0]), int(value[1]), int(value[2])


def _ids_in_words(ids: tuple[int, ...]) -> str:
    shown = ", ".join(str(value) for value in ids[:8]) + (" …" if len(ids) > 8 else "")
    return f"the id{'s' if len(ids) > 1 else ''} {shown}"


def _optional(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)
