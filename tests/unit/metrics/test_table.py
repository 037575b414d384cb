"""The table of per-image counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import ScoreTable, ScoreTableBuilder, confusion_matrix
from intarsia.metrics.calibration import without_fine_bins
from intarsia.metrics.counts import flatten
from intarsia.metrics.picture import CountOptions, count_picture
from intarsia.types import LabelMap

LABELS = LabelMap(("a", "b"), ignore=255)


def mask(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint8)


def built(probabilities: bool = False, spacing: tuple[float, float] | None = None) -> ScoreTable:
    def even(*size: int) -> np.ndarray | None:
        return np.full((2, *size), 0.5, np.float32) if probabilities else None

    builder = ScoreTableBuilder(LABELS, CountOptions(spacing=spacing))
    builder.add("one", mask([0, 1], [1, 255]), mask([0, 1], [0, 0]), group="patient 7", probabilities=even(2, 2))
    builder.add("two", mask([1, 1]), mask([1, 255]), probabilities=even(1, 2))
    return builder.table()


def test_each_image_keeps_its_counts() -> None:
    table = built()
    assert table.names == ("one", "two")
    assert table.groups == ("patient 7", "two")
    np.testing.assert_array_equal(table.confusion[0], [[1, 0, 0], [1, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(table.confusion[1], [[0, 0, 0], [0, 1, 1], [0, 0, 0]])


def test_the_data_set_is_the_sum() -> None:
    truth, predicted = mask([0, 1, 1, 255, 1, 1]), mask([0, 1, 0, 0, 1, 255])
    np.testing.assert_array_equal(built().dataset, confusion_matrix(truth, predicted, LABELS))


def test_the_json_form_reads_back() -> None:
    bare = ScoreTable(LABELS, ("a",), ("a",), np.ones((1, 3, 3), np.int64))
    for table in (built(), built(probabilities=True), built(spacing=(0.5, 0.8)), bare):
        again = ScoreTable.from_dict(json.loads(json.dumps(table.to_dict(), allow_nan=False)))
        assert (again.label_map, again.names, again.groups) == (table.label_map, table.names, table.groups)
        np.testing.assert_array_equal(again.confusion, table.confusion)
        for part in ("boundary", "causes", "calibration", "surface"):
            one, other = getattr(table, part), getattr(again, part)
            assert (one is None) == (other is None)
            if part == "calibration" and one is not None:
                one = without_fine_bins(one)
            if one is not None:
                np.testing.assert_array_equal(flatten(one), flatten(other))


def test_hausdorff_distances_read_back_though_json_has_no_infinity() -> None:
    builder = ScoreTableBuilder(LABELS, CountOptions(spacing=(1.0, 1.0)))
    builder.add("both", mask([0, 0, 1, 1]), mask([0, 1, 1, 1]))
    builder.add("lost", mask([0, 0, 1, 1]), mask([0, 0, 0, 0]))
    builder.add("invented", mask([0, 0, 0, 0]), mask([0, 0, 1, 1]))
    builder.add("neither", mask([0, 0, 0, 0]), mask([0, 0, 0, 0]))
    table = builder.table()
    assert table.hausdorff is not None
    np.testing.assert_array_equal(table.hausdorff[:, 1, 0], [1, np.inf, np.inf, np.nan])
    plain = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert [row[1][0] for row in plain["hausdorff"]] == [1, None, None, None]
    again = ScoreTable.from_dict(plain)
    np.testing.assert_array_equal(again.hausdorff, table.hausdorff)
    assert again.spacing == table.spacing == (1, 1)


def test_all_pixels_have_one_size() -> None:
    builder = ScoreTableBuilder(LABELS)
    builder.add_counts("one", count_picture(mask([0]), mask([0]), LABELS))
    with pytest.raises(DataError, match=r"^two: its pixels have another size .* Count all pictures with one spacing"):
        builder.add_counts("two", count_picture(mask([0]), mask([0]), LABELS, options=CountOptions(spacing=(1.0, 2.0))))


def test_all_pictures_have_probabilities_or_none_has() -> None:
    assert built().calibration is None
    assert built(probabilities=True).calibration is not None
    builder = ScoreTableBuilder(LABELS)
    builder.add("one", mask([0, 1]), mask([0, 1]), probabilities=np.full((2, 1, 2), 0.5, np.float32))
    with pytest.raises(DataError, match=r"^two: some pictures have probabilities and others have none"):
        builder.add("two", mask([0, 1]), mask([0, 1]))


def test_a_repeated_name_is_an_error_when_it_is_added() -> None:
    builder = ScoreTableBuilder(LABELS)
    builder.add("one", mask([0]), mask([0]))
    with pytest.raises(DataError, match=r"the picture 'one' would be counted twice\. Give every picture its own name"):
        builder.add("one", mask([0]), mask([0]))


def test_a_repeated_name_is_an_error_in_a_table() -> None:
    with pytest.raises(DataError, match="the picture 'one' would be counted twice"):
        ScoreTable(LABELS, ("two", "one", "one"), ("g", "g", "g"), np.zeros((3, 3, 3), np.int64))


def test_a_table_of_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match=r"not one picture to score\. Give at least one"):
        ScoreTableBuilder(LABELS).table()


def test_a_picture_that_cannot_be_counted_is_not_added() -> None:
    builder = ScoreTableBuilder(LABELS)
    with pytest.raises(ShapeError, match=r"^one: the truth is 1×1 pixels"):
        builder.add("one", mask([0]), mask([0, 0]))
    with pytest.raises(DataError, match=r"^masks/one\.png: the truth holds the id 9"):
        builder.add("one", mask([9]), mask([0]), where="masks/one.png")
    builder.add("one", mask([0]), mask([0]))
    assert builder.table().names == ("one",)
