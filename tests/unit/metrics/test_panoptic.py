"""Panoptic quality: worked by hand, and equal to the authors' algorithm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import mean_of_defined
from intarsia.metrics.counts import from_plain, select, stack, to_plain, total
from intarsia.metrics.panoptic import (
    PanopticCounts,
    count_panoptic,
    panoptic_quality,
    recognition_quality,
    segmentation_quality,
    thing_classes,
)
from intarsia.types import LabelMap, PanopticMap, Segment
from unit.metrics.panoptic_reference import reference, reference_quality

LABELS = LabelMap(("cat", "dog", "sky"), ids=(1, 5, 9), things=frozenset({1, 5}))
SIZE = (5, 6)


def panoptic(ids: np.ndarray, classes: dict[int, int], crowds: tuple[int, ...] = ()) -> PanopticMap:
    """A map with a segment for each of its ids."""
    segments = tuple(
        Segment(i, classes[i], classes[i] in LABELS.things, int((ids == i).sum()), i in crowds)
        for i in classes
        if (ids == i).any()
    )
    return PanopticMap(ids.astype(np.uint32), segments)


@st.composite
def maps(draw: st.DrawFn, crowd: bool) -> PanopticMap:
    """Up to five segments and void; the true ones may be crowd regions, several of a class too."""
    names = [0, 3, 7, 256, 70000, 2**24 - 1]
    ids = draw(arrays.arrays(np.uint32, SIZE, elements=st.sampled_from(names)))
    classes = {i: draw(st.sampled_from(LABELS.ids)) for i in draw(st.permutations(names[1:]))}
    crowds = tuple(i for i in classes if crowd and draw(st.booleans()))
    return panoptic(ids, classes, crowds)


@given(maps(crowd=True), maps(crowd=False), st.booleans())
def test_counts_are_those_of_the_reference(truth: PanopticMap, predicted: PanopticMap, alike: bool) -> None:
    if alike:  # random maps hardly ever match
        ids = np.where(np.arange(30).reshape(SIZE) % 7 == 0, predicted.segment_ids, truth.segment_ids)
        predicted = panoptic(ids, {s.id: s.class_id for s in (*predicted.segments, *truth.segments)})
    counts = count_panoptic(truth, predicted, LABELS)
    tallies = reference(truth, predicted)
    for k, class_id in enumerate(LABELS.ids):
        tally = tallies[class_id]
        found = (counts.true_positives[k], counts.false_positives[k], counts.false_negatives[k])
        assert found == (tally.tp, tally.fp, tally.fn)
        assert counts.iou_sum[k] == pytest.approx(tally.iou, abs=1e-12)
    qualities = (figure(counts) for figure in (panoptic_quality, segmentation_quality, recognition_quality))
    means = [float(mean_of_defined(values, axis=-1)) for values in qualities]
    np.testing.assert_allclose(means, reference_quality(tallies, list(LABELS.ids)), atol=1e-12)


@given(maps(crowd=True))
def test_the_truth_itself_is_perfect(truth: PanopticMap) -> None:
    predicted = replace(truth, segments=tuple(replace(s, is_crowd=False) for s in truth.segments))
    counts = count_panoptic(truth, predicted, LABELS)
    assert counts.false_negatives.sum() == 0
    quality = panoptic_quality(counts)
    plain = [s.class_id for s in truth.segments if not s.is_crowd]
    for k, class_id in enumerate(LABELS.ids):
        if class_id in plain and counts.false_positives[k] == 0:
            assert quality[k] == 1


TRUTH = np.array([[3, 3, 3, 3, 7, 7], [3, 3, 3, 3, 7, 7], [0, 0, 0, 0, 0, 0], [8, 8, 8, 8, 9, 9], [8, 8, 8, 8, 9, 9]])
CLASSES = {3: 1, 7: 1, 8: 5, 9: 9}


def test_a_picture_worked_by_hand() -> None:
    ids = TRUTH.copy()
    ids[0, 0] = 7  # cat 3 loses a pixel of eight to cat 7: IoU 7/8, and 4/5
    ids[3:] = 8  # sky 9 is taken for dog 8: IoU 8/12
    counts = count_panoptic(panoptic(TRUTH, CLASSES), panoptic(ids, CLASSES), LABELS)
    assert counts.true_positives.tolist() == [2, 1, 0]
    assert counts.false_positives.tolist() == [0, 0, 0]
    assert counts.false_negatives.tolist() == [0, 0, 1]
    np.testing.assert_allclose(counts.iou_sum, [7 / 8 + 4 / 5, 8 / 12, 0])
    np.testing.assert_allclose(panoptic_quality(counts), [(7 / 8 + 4 / 5) / 2, 8 / 12, 0])
    np.testing.assert_allclose(segmentation_quality(counts), [(7 / 8 + 4 / 5) / 2, 8 / 12, 0])
    np.testing.assert_allclose(recognition_quality(counts), [1, 1, 0])


def test_pixels_over_void_truth_do_not_widen_the_union() -> None:
    ids = TRUTH.copy()
    ids[2] = 3
    counts = count_panoptic(panoptic(TRUTH, CLASSES), panoptic(ids, CLASSES), LABELS)
    assert panoptic_quality(counts).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("over", "spurious"), [(2, 1), (3, 0)])
def test_a_segment_mostly_on_void_is_no_false_positive(over: int, spurious: int) -> None:
    ids = np.zeros(SIZE, np.uint32)
    ids[1, :2] = 5  # two pixels on a true cat, taken for a dog …
    ids[2, :over] = 5  # … the others on void: half is not enough
    counts = count_panoptic(panoptic(TRUTH, CLASSES), panoptic(ids, {5: 5}), LABELS)
    assert counts.false_positives.tolist() == [0, spurious, 0]


@pytest.mark.parametrize(("class_id", "spurious"), [(5, 0), (1, 1)])
def test_a_segment_mostly_on_the_crowd_of_its_class_is_no_false_positive(class_id: int, spurious: int) -> None:
    ids = np.zeros(SIZE, np.uint32)
    ids[3:, :2] = 5
    counts = count_panoptic(panoptic(TRUTH, CLASSES, crowds=(8,)), panoptic(ids, {5: class_id}), LABELS)
    assert counts.false_positives.sum() == spurious
    assert counts.false_negatives.tolist() == [2, 0, 1]  # nor is the crowd missed


def test_half_is_no_match() -> None:
    truth, ids = np.ones((1, 4), np.uint32), np.array([[1, 1, 0, 0]])
    counts = count_panoptic(panoptic(truth, {1: 1}), panoptic(ids, {1: 1}), LABELS)
    assert (counts.true_positives[0], counts.false_positives[0], counts.false_negatives[0]) == (0, 1, 1)
    assert segmentation_quality(counts)[0] == panoptic_quality(counts)[0] == 0


def test_of_several_crowds_of_a_class_the_last_excuses() -> None:
    truth = np.array([[1, 1, 1, 2]])
    predicted = panoptic(np.array([[6, 6, 6, 0]]), {6: 5})
    for order, spurious in (((1, 2), 1), ((2, 1), 0)):
        counts = count_panoptic(panoptic(truth, dict.fromkeys(order, 5), crowds=(1, 2)), predicted, LABELS)
        assert counts.false_positives[1] == spurious


def test_empty_pictures_are_defined() -> None:
    nothing, one = panoptic(np.zeros(SIZE), {}), panoptic(TRUTH, CLASSES)
    neither = count_panoptic(nothing, nothing, LABELS)
    assert np.isnan(panoptic_quality(neither)).all()
    assert np.isnan(segmentation_quality(neither)).all()
    missed = count_panoptic(one, nothing, LABELS)
    assert panoptic_quality(missed).tolist() == [0, 0, 0]
    assert missed.false_negatives.tolist() == [2, 1, 1]
    unlabeled = count_panoptic(nothing, one, LABELS)  # a truth that is void throughout excuses everything
    assert np.isnan(panoptic_quality(unlabeled)).all()


def test_counts_add_up_and_figures_take_many_pictures_at_once() -> None:
    rng = np.random.default_rng(0)
    truth = panoptic(TRUTH, CLASSES)
    pictures = [
        count_panoptic(truth, panoptic(np.where(rng.random(SIZE) < 0.3, 3, TRUTH), CLASSES), LABELS) for _ in range(4)
    ]
    many = stack(pictures)
    for figure in (panoptic_quality, segmentation_quality, recognition_quality):
        np.testing.assert_array_equal(figure(many), np.stack([figure(each) for each in pictures]))
    np.testing.assert_allclose(
        panoptic_quality(many), segmentation_quality(many) * recognition_quality(many), equal_nan=True
    )
    np.testing.assert_array_equal(total(many).iou_sum, np.sum([each.iou_sum for each in pictures], axis=0))
    back = from_plain(PanopticCounts, to_plain(many))
    np.testing.assert_array_equal(select(back, 2).iou_sum, pictures[2].iou_sum)


def test_things_are_told_from_stuff() -> None:
    assert thing_classes(LABELS).tolist() == [True, True, False]


def test_contradictions_are_refused() -> None:
    truth = panoptic(TRUTH, CLASSES)
    with pytest.raises(ShapeError, match=r"the truth is 6×5 pixels and the prediction 6×4"):
        count_panoptic(truth, panoptic(TRUTH[:4], CLASSES), LABELS)
    with pytest.raises(DataError, match=r"^here: segment 7 is of class 2, which is not in the class list.*Correct the"):
        count_panoptic(truth, panoptic(TRUTH, {**CLASSES, 7: 2}), LABELS, "here")
    partial = replace(truth, segments=truth.segments[1:])
    with pytest.raises(
        DataError, match=r"the prediction's picture holds segment 3, which is not in its table.*Add the"
    ):
        count_panoptic(truth, partial, LABELS)
    with pytest.raises(DataError, match=r"the truth's picture holds segment 3"):
        count_panoptic(partial, truth, LABELS)
    ghost = replace(truth, segments=(*truth.segments, Segment(40, 1, True, 0)))
    with pytest.raises(DataError, match=r"table lists segment 40, which has no pixel.*Remove the segment"):
        count_panoptic(truth, ghost, LABELS)
