import pickle
from pathlib import Path

import pytest

from intarsia import errors
from intarsia.errors import DataError, IntarsiaError


def test_message_says_what_where_and_what_to_do() -> None:
    error = DataError("has no mask", where=Path("images/a.png"), remedy="Add masks/a.png or remove the image")
    assert str(error) == "images/a.png: has no mask. Add masks/a.png or remove the image."


def test_many_places_are_counted_not_listed() -> None:
    error = DataError("have no mask", where=[f"{i}.png" for i in range(12)], remedy="Add them")
    assert str(error) == "0.png, 1.png, 2.png, 3.png, 4.png and 7 more: have no mask. Add them."


def test_errors_survive_pickling_out_of_a_worker() -> None:
    error = DataError("is cut short", where="a.png", remedy="Copy it again")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is DataError
    assert str(copy) == str(error)


def test_docstring_tree_names_every_member() -> None:
    members = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, IntarsiaError)]
    assert all(member.__name__ in (errors.__doc__ or "") for member in members)


@pytest.mark.parametrize("member", IntarsiaError.__subclasses__())
def test_people_can_catch_them_as_value_errors(member: type[IntarsiaError]) -> None:
    assert issubclass(member, ValueError)
