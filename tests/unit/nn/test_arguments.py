from __future__ import annotations

import pytest

from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_choice, check_count


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
