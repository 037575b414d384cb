import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.data.formats.folder import Item
from intarsia.data.splits import k_fold, split_items, with_groups
from intarsia.errors import DataError, RecipeError


def _items(*names: str) -> tuple[Item, ...]:
    return tuple(Item(name, Path(f"images/{name}.png"), Path(f"masks/{name}.png"), name) for name in names)


@st.composite
def _grouped(draw: st.DrawFn) -> tuple[Item, ...]:
    sizes = draw(st.lists(st.integers(1, 6), min_size=5, max_size=30))
    return _items(*(f"p{group}-{number}" for group, size in enumerate(sizes) for number in range(size)))


@given(_grouped(), st.integers(0, 5), st.sampled_from([0.1, 0.2, 0.3]), st.sampled_from([0.0, 0.25]))
def test_a_split_divides_items_but_no_group(items: tuple[Item, ...], seed: int, val: float, test: float) -> None:
    parts = split_items(items, val=val, test=test, group_by=r"p(\d+)", seed=seed)
    assert list(parts) == ["train", "val", "test"][: 3 if test else 2]
    assert all(parts.values())
    assert sorted(i.name for part in parts.values() for i in part) == sorted(i.name for i in items)
    assert all(list(part) == sorted(part, key=lambda i: i.name) for part in parts.values())
    groups = [{i.group for i in part} for part in parts.values()]
    assert sum(map(len, groups)) == len(set().union(*groups))


@given(_grouped(), st.integers(0, 5))
def test_a_split_follows_from_names_and_seed(items: tuple[Item, ...], seed: int) -> None:
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)
    for divide in (split_items, lambda items, **options: k_fold(items, 3, **options)):
        assert divide(shuffled, group_by=r"p(\d+)", seed=seed) == divide(items, group_by=r"p(\d+)", seed=seed)


@given(st.integers(3, 200), st.sampled_from([0.1, 0.2, 0.33]), st.sampled_from([0.1, 0.3]))
def test_shares_are_met_to_one_picture_without_groups(count: int, val: float, test: float) -> None:
    parts = split_items(_items(*map(str, range(count))), val=val, test=test)
    for name, share in (("train", 1 - val - test), ("val", val), ("test", test)):
        assert abs(len(parts[name]) - share * count) < (2 if name == "train" else 1.0001)


def test_large_groups_go_where_they_fit() -> None:
    items = _items(*(f"big-{n}" for n in range(60)), *(f"mid-{n}" for n in range(20)), *(f"s{n}-0" for n in range(20)))
    parts = split_items(items, group_by=r"(\w+)-")
    assert {name: len(part) for name, part in parts.items()} == {"train": 60, "val": 20, "test": 20}


def test_the_division_is_pinned() -> None:
    # Written splits must not change under people's feet: neither with a version of ours nor of a library.
    parts = split_items(_items(*"abcdefghij"), seed=0)
    assert {name: "".join(i.name for i in part) for name, part in parts.items()} == {
        "train": "abdehj",
        "val": "fi",
        "test": "cg",
    }
    assert split_items(_items(*"abcdefghij"), seed=1) != parts


@given(_grouped(), st.integers(2, 5))
def test_every_item_is_validated_once(items: tuple[Item, ...], folds: int) -> None:
    divisions = k_fold(items, folds, r"p(\d+)")
    assert sorted(i.name for division in divisions for i in division["val"]) == sorted(i.name for i in items)
    for division in divisions:
        assert len(division["train"]) + len(division["val"]) == len(items)
        assert not {i.group for i in division["train"]} & {i.group for i in division["val"]}


def test_folds_are_even() -> None:
    assert [len(division["val"]) for division in k_fold(_items(*map(str, range(20))), 4)] == [5, 5, 5, 5]


def test_groups_of_items_are_kept_without_a_pattern() -> None:
    items = with_groups(_items("p1-a", "p1-b", "p2-a"), r"p(\d)")
    assert [i.group for i in items] == ["1", "1", "2"]
    assert {len(part) for part in split_items(items, val=0.4, test=0.0).values()} == {1, 2}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("p(", r"group_by: 'p\(' is not a regular expression \(.*\)\. Try"),
        ("p", r"'p' has 0 capture groups\. Put parentheses around the one part"),
        ("(p)(1)", "has 2 capture groups"),
    ],
)
def test_unusable_patterns(pattern: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        with_groups(_items("p1"), pattern)


def test_names_without_a_group_are_all_named() -> None:
    with pytest.raises(
        DataError, match=r"x, y: the pattern 'p\(\\d\)' finds no group in these names\. Correct group_by"
    ):
        with_groups(_items("p1", "x", "y"), r"p(\d)")
    with pytest.raises(DataError, match="y: the pattern"):  # a group that took no part in the match
        with_groups(_items("p1", "y"), r"p(\d)|y")


def test_too_few_groups() -> None:
    with pytest.raises(
        DataError, match=r"3 pictures form 2 groups, too few for 3 parts .* at least 3 groups are needed"
    ):
        split_items(_items("p1-a", "p1-b", "p2-a"), group_by=r"p(\d)")
    with pytest.raises(DataError, match="too few for 4 parts"):
        k_fold(_items("a", "b"), 4)


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.2), (0.5, 0.5), (0.2, float("nan"))])
def test_impossible_shares(val: float, test: float) -> None:
    with pytest.raises(RecipeError, match="leave nothing for training or are below 0"):
        split_items(_items("a", "b", "c"), val=val, test=test)
    with pytest.raises(RecipeError, match=r"folds: 1 folds\. Give at least 2"):
        k_fold(_items("a", "b"), 1)
