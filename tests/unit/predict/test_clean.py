"""Rules of cleaning: how they are written, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from intarsia.errors import IntarsiaError, RecipeError, ShapeError
from intarsia.ops.cleanup import drop_specks, fill_holes, keep_largest
from intarsia.predict.clean import ClassRules, CleanRules, clean, clean_ids
from intarsia.types import LabelMap, SemanticMap

LABELS = LabelMap(("background", "lung", "rib"), ids=(0, 255, 7), ignore=9)


def mask(*size: int) -> np.ndarray:
    drawn = np.random.default_rng(0).choice(np.array([0, 0, 0, 255, 255, 7, 9], np.uint8), [-(-s // 2) for s in size])
    return np.asarray(np.kron(drawn, np.ones([2] * len(size), np.uint8))[tuple(slice(s) for s in size)])


def test_rules_become_calls_of_the_three_functions_in_order() -> None:
    ids = mask(40, 50)
    rules = CleanRules({"lung": ClassRules(specks=12, holes=30, largest=3), "rib": ClassRules(specks=5)})
    expected = drop_specks(ids, {255: 12, 7: 5}, void=9)
    expected = keep_largest(expected, {255: 3}, void=9)
    expected = fill_holes(expected, {255: 30}, void=9)
    np.testing.assert_array_equal(clean_ids(ids, LABELS, rules), expected)
    np.testing.assert_array_equal(expected == 9, ids == 9)


def test_volumes_in_millimeters_across_faces() -> None:
    ids = mask(10, 12, 14)
    rules = CleanRules({"rib": ClassRules(specks=30)}, unit="mm", corners=False)
    expected = drop_specks(ids, {7: 30}, void=9, spacing=(2, 0.5, 0.5), connectivity=6)
    np.testing.assert_array_equal(clean_ids(ids, LABELS, rules, (2, 0.5, 0.5)), expected)


def test_pixels_need_no_spacing_and_take_none() -> None:
    ids, rules = mask(20, 20), CleanRules({"lung": ClassRules(specks=9)})
    np.testing.assert_array_equal(clean_ids(ids, LABELS, rules, (5.0, 5.0)), clean_ids(ids, LABELS, rules))


def test_the_star_is_every_other_class_and_of_the_background_only_its_specks() -> None:
    ids = np.zeros((12, 12), np.uint8)
    ids[1:10, 1:10] = 255
    ids[3:5, 3:5] = 0  # a hole of the lung
    ids[7, 7] = 7
    ids[11, 11] = 7  # an object, and as such a hole of the background
    rules = CleanRules({"*": ClassRules(holes=200, largest=1)})
    expected = np.where(ids == 0, 0, 255)
    expected[3:5, 3:5] = 255
    expected[11, 11] = 0  # the second largest rib of two of one size
    np.testing.assert_array_equal(clean_ids(ids, LABELS, rules), expected)
    own = CleanRules({"*": ClassRules(specks=5), "rib": ClassRules()})
    assert (clean_ids(ids, LABELS, own)[[7, 11], [7, 11]] == 7).all()
    assert (clean_ids(ids, LABELS, own)[3:5, 3:5] == 255).all()


def test_specks_may_take_a_class_by_name() -> None:
    ids = mask(20, 20)
    rules = CleanRules({"rib": ClassRules(specks=500)}, to="background")
    np.testing.assert_array_equal(clean_ids(ids, LABELS, rules), np.where(ids == 7, 0, ids))


def test_no_rules_change_nothing() -> None:
    ids = mask(9, 9)
    found = clean_ids(ids, LABELS, CleanRules())
    assert found is not ids
    np.testing.assert_array_equal(found, ids)


def test_a_map_keeps_its_probabilities() -> None:
    shares = np.full((3, 6, 6), 1 / 3, np.float32)
    given = SemanticMap(mask(6, 6), LABELS, shares)
    cleaned = clean(given, CleanRules({"*": ClassRules(specks=5)}))
    assert cleaned.probabilities is shares
    assert cleaned.label_map is LABELS
    np.testing.assert_array_equal(cleaned.class_ids, drop_specks(given.class_ids, {0: 5, 255: 5, 7: 5}, void=9))


WRITTEN: list[tuple[list[str], dict[str, Any]]] = [
    ([], {}),
    (["specks=10"], {"classes": {"*": {"specks": 10}}}),
    (["specks=10, unit=mm"], {"unit": "mm", "classes": {"*": {"specks": 10}}}),
    (
        ["lung:specks=0.5,holes=2e2,largest=2", "lung : largest=1", "corners=False", "to=background"],
        {
            "corners": False,
            "to": "background",
            "classes": {"lung": {"specks": 0.5, "holes": 200.0, "largest": 1}},
        },
    ),
    (["a:b:specks=3"], {"classes": {"a:b": {"specks": 3}}}),
]


@pytest.mark.parametrize(("texts", "content"), WRITTEN)
def test_what_people_type_and_the_plain_form_are_one(texts: Sequence[str], content: dict[str, Any]) -> None:
    rules = CleanRules.parse(texts)
    assert rules.to_dict() == content
    assert CleanRules.from_dict(content) == rules


def of(**rules: Any) -> CleanRules:
    return CleanRules.from_dict({"classes": {"lung": rules}})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CleanRules.parse(["lungs:specks"]), RecipeError, "'lungs:specks'. Write `specks=50,holes=200`"),
        (lambda: CleanRules.parse(["speks=5"]), RecipeError, "no key 'speks'"),
        (
            lambda: CleanRules.parse(["lung:unit=mm"]),
            RecipeError,
            "no key 'unit'.*Possible are: specks, holes, largest",
        ),
        (lambda: CleanRules.parse(["unit=inch"]), RecipeError, "no unit 'inch'.*mm"),
        (lambda: CleanRules.parse(["specks=ten"]), RecipeError, "specks is 'ten'. Give a size of 0 or more"),
        (lambda: CleanRules.parse(["holes=-3"]), RecipeError, "holes is -3"),
        (lambda: CleanRules.parse(["corners=perhaps"]), RecipeError, "corners is 'perhaps'. Give true or false"),
        (lambda: of(specks=float("nan")), RecipeError, "specks is nan"),
        (lambda: of(largest=0), RecipeError, "largest is 0. Give a whole number of 1 or more"),
        (lambda: of(largest=1.5), RecipeError, "largest is 1.5"),
        (lambda: of(specs=4), RecipeError, "no key 'specs'. Did you mean 'specks'"),
        (lambda: CleanRules.from_dict({"clases": {}}), RecipeError, "Did you mean 'classes'"),
        (lambda: CleanRules.from_dict({"classes": ["lung"]}), RecipeError, "classes is .*Write `classes: {NAME:"),
        (lambda: CleanRules.from_dict({"classes": {"lung": 5}}), RecipeError, r"classes is {.lung.: 5}"),
        (
            lambda: clean_ids(mask(4, 4), LABELS, CleanRules({"lungs": ClassRules()})),
            RecipeError,
            r"no class 'lungs'. Did you mean 'lung'\? Possible are: background, lung, rib, \*",
        ),
        (lambda: clean_ids(mask(4, 4), LABELS, CleanRules(to="ribs")), RecipeError, "Did you mean 'rib'"),
        (lambda: clean_ids(mask(4, 4), LABELS, CleanRules(unit="um")), RecipeError, "sizes are in um.*--spacing"),
        (
            lambda: clean_ids(mask(4, 4), LABELS, CleanRules({"rib": ClassRules(specks=1)}, unit="mm"), (1, 1, 1)),
            ShapeError,
            "found 3 numbers, but the array has 2 axes",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[], object], error: type[IntarsiaError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
