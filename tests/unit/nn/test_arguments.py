from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice, check_count, check_kinds, check_queries, check_share, nearest


@pytest.mark.parametrize("value", [0, -3, True])
def test_a_count_is_a_whole_number_from_one_on(value: int) -> None:
    check_count("depth", 1)
    with pytest.raises(RecipeError, match=f"argument `depth`: found {value}. Give a whole number, 1 or larger"):
        check_count("depth", value)


def test_a_wrong_choice_names_the_nearest_and_all() -> None:
    check_choice("norm", "batch", ["batch", "group"])
    with pytest.raises(RecipeError, match=r"found 'bach'. Did you mean 'batch'\? Possible are: batch, group"):
        check_choice("norm", "bach", ["batch", "group"])
    with pytest.raises(RecipeError, match=r"found 'xyz'. Possible are: batch, group"):
        check_choice("norm", "xyz", ["batch", "group"])


def test_only_what_is_near_is_offered() -> None:
    assert nearest("widht", ["size", "width"]) == "Did you mean 'width'? Possible are: "
    assert nearest("encoder", ["decoder_width", "size"]) == "Possible are: "


@pytest.mark.parametrize("value", [1.0, -0.1, math.nan])
def test_a_share_is_from_zero_to_below_one(value: float) -> None:
    check_share("dropout", 0.0)
    check_share("dropout", 0.5)
    with pytest.raises(RecipeError, match=rf"argument `dropout`: found {value}\. Give a number from 0 to below 1"):
        check_share("dropout", value)


def test_queries_are_enough_for_the_classes_of_a_picture() -> None:
    check_queries(8, 8)
    check_queries(100, 150)  # as published for ADE20K
    with pytest.raises(RecipeError, match=r"`queries`: found 7, too few masks to show 8 classes\. Give 8 or more"):
        check_queries(7, 8)
    with pytest.raises(RecipeError, match=r"`queries`: found 99, too few masks to show 150 classes\. Give 100 or more"):
        check_queries(99, 150)


def _build(
    *,
    encoder: str = "",
    stride: int = 8,
    share: float = 0.1,
    flag: bool = False,
    depth: int | None = None,
    upsampling: str | None = None,
    rates: Sequence[int] | None = None,
) -> None: ...


@pytest.mark.parametrize(
    "arguments",
    [
        {"encoder": "resnet18", "stride": 16, "share": 0, "flag": True},
        {"depth": None, "upsampling": None, "rates": None},
        {"depth": 3, "upsampling": "nearest", "rates": [6, 12]},
        {"rates": (6,), "share": 0.2},
    ],
)
def test_arguments_of_the_annotated_kinds_are_taken(arguments: dict[str, Any]) -> None:
    check_kinds(_build, arguments)


@pytest.mark.parametrize(
    ("argument", "values", "remedy"),
    [
        ("encoder", [None, 5, True, ["resnet18"]], "Give a name."),
        ("stride", [None, 16.0, "16", True], "Give a whole number."),
        ("share", [None, "0.1", "high", True], "Give a number."),
        ("flag", [None, "no", "yes", 0, 1, 3], "Give true or false."),
        ("depth", [False, 3.0, "3"], "Give a whole number, or leave it out."),
        ("upsampling", [False, 2], "Give a name, or leave it out."),
        ("rates", [6, "6", [6.0], [True], {6}], "Give a list of whole numbers, or leave it out."),
    ],
)
def test_another_kind_is_refused_in_one_line(argument: str, values: list[object], remedy: str) -> None:
    for value in values:
        with pytest.raises(RecipeError) as caught:
            check_kinds(_build, {argument: value})
        assert str(caught.value) == f"argument `{argument}`: found {value!r}. {remedy}"
