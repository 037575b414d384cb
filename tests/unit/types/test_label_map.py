import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import DataError
from intarsia.types import IGNORE_INDEX, LabelMap


@st.composite
def label_maps(draw: st.DrawFn) -> LabelMap:
    ids = draw(st.lists(st.integers(0, 65535), min_size=2, max_size=30, unique=True))
    ignore = ids.pop() if draw(st.booleans()) else None
    return LabelMap(names=tuple(f"class {i}" for i in ids), ids=tuple(ids), ignore=ignore)


@given(label_maps())
def test_ids_and_indices_round_trip(label_map: LabelMap) -> None:
    values = [*label_map.ids] + ([] if label_map.ignore is None else [label_map.ignore])
    mask = np.asarray(values * 3, dtype=label_map.id_dtype).reshape(3, -1)
    indices = label_map.ids_to_indices(mask)
    assert np.array_equal(label_map.indices_to_ids(indices), mask)
    assert set(np.unique(indices)) <= {IGNORE_INDEX, *range(label_map.num_classes)}


@given(label_maps())
def test_plain_form_round_trips(label_map: LabelMap) -> None:
    assert LabelMap.from_dict(label_map.to_dict()) == label_map


def test_gaps_map_to_channels_in_order() -> None:
    label_map = LabelMap(names=("background", "lung"), ids=(0, 255))
    assert label_map.ids_to_indices(np.array([[0, 255]], dtype=np.uint8)).tolist() == [[0, 1]]


def test_unknown_id_names_itself_the_classes_and_the_remedy() -> None:
    label_map = LabelMap(names=("background", "lung"), ignore=9)
    mask = np.array([[0, 1, 7, 9]], dtype=np.uint8)
    with pytest.raises(
        DataError, match=r"a\.png: holds the id 7, but the classes are 0 background, 1 lung, ignore 9\. Correct"
    ):
        label_map.ids_to_indices(mask, where="a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "`classes` is missing"),
        ({"classes": []}, "missing or empty"),
        ({"classes": ["a"], "void": 3}, "'void' is unknown"),
        ({"classes": ["a", "a"]}, "stands for more than one class"),
        ({"classes": [{"id": 0, "name": "a"}, {"id": 0, "name": "b"}]}, "the id 0 stands for"),
        ({"classes": ["a", "b"], "ignore": 1}, "also the id of the class 'b'"),
        ({"classes": [{"name": "a"}]}, "lacks a whole-number id"),
        ({"classes": [False, True]}, "a name that is text"),
        ({"classes": [{"id": 70000, "name": "a"}]}, "outside 0–65535"),
        ({"classes": [{"id": 0, "name": "a", "color": [1, 2]}]}, "three numbers"),
    ],
)
def test_bad_class_lists_are_one_clear_line(content: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        LabelMap.from_dict(content)


def test_short_forms() -> None:
    assert LabelMap.from_dict({"classes": ["a", "b"]}).ids == (0, 1)
    assert LabelMap.from_dict({"classes": {0: "a", 255: "b"}}).ids == (0, 255)


def test_default_colors_differ() -> None:
    colors = LabelMap(names=tuple(map(str, range(20)))).colors
    assert colors[0] == (0, 0, 0)
    assert len(set(colors)) == 20


@pytest.mark.parametrize(("name", "black"), [("background", True), ("Other", True), ("class 0", True), ("Sky", False)])
def test_only_what_lies_behind_the_objects_is_black(name: str, black: bool) -> None:
    labels = LabelMap((name, "car"))
    assert (labels.colors[0] == (0, 0, 0)) is black
    assert LabelMap.from_dict({"classes": [name, "car"]}).colors == labels.colors
