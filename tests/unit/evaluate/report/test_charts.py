import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.evaluate.report.charts import (
    WIDTH,
    Axes,
    Frame,
    Line,
    band,
    category_ticks,
    chart,
    end_labels,
    lines,
    nice_ticks,
    path,
    shortened,
    spread,
)
from unit.evaluate.report.report_content import HOSTILE, Page

FRAME = Frame(300.0, (0.0, 4.0), (0.0, 1.0))
LETTER = 6.0  # width of a letter of the page's text at 12 units, on average


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.0, 0.24, ["0", "0.05", "0.1", "0.15", "0.2", "0.25"]),
        (50.0, 20000.0, ["0", "5,000", "10,000", "15,000", "20,000"]),
        (-0.3, 0.3, ["−0.4", "−0.2", "0", "0.2", "0.4"]),
        (0.0, 0.0, ["0", "0.2"]),
        (3.0, 3.0, ["3", "4"]),
    ],
)
def test_ticks_are_round(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in nice_ticks(low, high)] == texts


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6))
def test_ticks_hold_the_values_and_are_few(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert ticks[0][0] <= low + 1e-6 * span
    assert ticks[-1][0] >= low + span - 1e-6 * span
    assert 2 <= len(ticks) <= 8


@given(st.lists(st.floats(0, 210), max_size=14).map(sorted))
def test_labels_are_moved_apart_inside_the_frame(positions: list[float]) -> None:
    moved = spread(positions, 14.0, 0.0, 210.0)
    assert all(after - before >= 14.0 - 1e-6 for before, after in pairwise(moved))
    assert all(-1e-6 <= position <= 210.0 + 1e-6 for position in moved)


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([10.0, 50.0, 90.0], 14.0, 0.0, 210.0) == [10.0, 50.0, 90.0]


def test_a_line_is_interrupted_where_it_is_undefined() -> None:
    d = path(FRAME, [(0.0, 0.5), (1.0, 0.6), (2.0, math.nan), (3.0, 0.7), (4.0, 0.8)])
    assert d.count("M") == d.count("L") == 2
    assert band(FRAME, [(0.0, 0.1, 0.2), (1.0, math.nan, 0.3), (2.0, 0.1, 0.4), (3.0, 0.1, 0.4)]).count("Z") == 2
    assert lines(FRAME, [Line([(0.0, math.nan)], "main", "nothing")]) == ""


def test_a_line_of_many_points_is_thinned_to_its_ends() -> None:
    d = path(FRAME, [(k / 1000, 0.5) for k in range(4001)])
    assert d.count("L") <= 400
    assert d.startswith("M44.0 131.0L")
    assert d.endswith("L300.0 131.0")


def test_a_single_point_is_a_dot() -> None:
    assert lines(FRAME, [Line([(1.0, 0.5)], "main", "one")]).count("<circle") == 1


@pytest.mark.parametrize("count", [1, 2, 5, 9, 30])
@pytest.mark.parametrize("label", ["{} px", "0.{}5% of the diagonal", "a_single_word_that_is_very_long_{}"])
def test_labels_across_never_collide(count: int, label: str) -> None:
    labels = [label.format(k) for k in range(count)]
    frame = Frame(300.0, (0.0, float(count)), (0.0, 1.0))
    svg = chart("c", "Title", "Words", frame, Axes(category_ticks(labels), nice_ticks(0.0, 1.0), "x", "y"), "")
    boxes: dict[float, float] = {}
    for x, row in re.findall(r'<tspan x="([\d.]+)"[^>]*>([^<]*)', svg):
        boxes[float(x)] = max(boxes.get(float(x), 0.0), len(row) * LETTER / 2)
    assert boxes
    places = sorted(boxes)
    for before, after in pairwise(places):
        assert boxes[before] + boxes[after] < after - before
    assert all(0 <= x <= WIDTH for x in places)


def test_labels_at_the_ends_never_collide_and_the_first_is_kept() -> None:
    entries = [(0.9, "Mean", "strong"), *((0.9, f"class with a long name {k}", "") for k in range(40))]
    svg = end_labels(FRAME, entries)
    heights = [float(y) for y in re.findall(r'<text class="\w*" x="\d+" y="([\d.]+)"', svg)]
    assert len(heights) == 16
    assert min(after - before for before, after in pairwise(heights)) > 13
    assert "Mean" in svg
    assert all(318 + len(text) * LETTER <= WIDTH for text in re.findall(r">([^<]+)</text>", svg))


def test_texts_are_escaped() -> None:
    content = lines(FRAME, [Line([(1.0, 0.5)], "main", HOSTILE)]) + end_labels(FRAME, [(0.5, HOSTILE, "")])
    svg = chart("c", HOSTILE, HOSTILE, FRAME, Axes([(1.0, HOSTILE)], [(0.5, HOSTILE)], HOSTILE, HOSTILE), content)
    assert Page(svg).count("script") == 0
    assert shortened("abcdef", 4) == "abc…"
