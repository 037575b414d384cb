"""J, F and J&F of videos, beside the DAVIS benchmark's definitions written out literally."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.metrics import counts, video
from intarsia.metrics.video import VideoCounts, VideoScores, video_counts, video_scores

VOID = 255
VIDEOS = arrays(np.uint8, (2, 3, 9, 8), elements=st.sampled_from([0, 0, 1, 2]))


def literal_contour(mask: np.ndarray) -> np.ndarray:
    """Pixels that differ from the neighbor east, south or south-east; the last row asks east, the last column south."""
    height, width = mask.shape
    marked = np.zeros(mask.shape, bool)
    for y in range(height):
        for x in range(width):
            steps = [(0, 1), (1, 0), (1, 1)]
            neighbors = [(y + down, x + right) for down, right in steps if y + down < height and x + right < width]
            marked[y, x] = any(mask[y, x] != mask[at] for at in neighbors)
    return marked


def literal_f(true: np.ndarray, found: np.ndarray) -> float:
    """Contours matched by dilating each with a disk."""
    radius = math.ceil(0.008 * math.sqrt(true.shape[0] ** 2 + true.shape[1] ** 2))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = x**2 + y**2 <= radius**2
    true, found = literal_contour(true), literal_contour(found)
    if not true.any() or not found.any():
        precision, recall = float(not found.any() or true.any()), float(not true.any() or found.any())
    else:
        precision = (found & ndimage.binary_dilation(true, disk)).sum() / found.sum()
        recall = (true & ndimage.binary_dilation(found, disk)).sum() / true.sum()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def literal_j(true: np.ndarray, found: np.ndarray) -> float:
    return float((true & found).sum() / (true | found).sum()) if (true | found).any() else 1.0


def literal_over_frames(values: np.ndarray) -> list[float]:
    """As DAVIS counts, from 1 to the number of frames, in four bins that share their ends."""
    ends = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(int) - 1
    bins = [values[ends[i] : ends[i + 1] + 1] for i in range(4)]
    return [values.mean(), (values > 0.5).mean(), bins[0].mean() - bins[3].mean()]


def moving(frames: int = 11, size: tuple[int, int] = (60, 80), void: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Two disks that move, found ever later, with some void and noise; the second vanishes halfway."""
    rng = np.random.default_rng(0)
    y, x = np.indices(size)
    videos = np.zeros((2, frames, *size), np.uint8)
    for t in range(frames):
        for which, lag in ((0, 0.0), (1, 0.4 * t)):
            videos[which, t][(x - 15 - 3 * t + lag) ** 2 + (y - 20) ** 2 < 100] = 1
            if t < frames // 2:
                videos[which, t][(x - 50 + 2 * t - lag) ** 2 + (y - 45) ** 2 < 49] = 2
    videos[1][rng.random((frames, *size)) < 0.01] = 1
    if void:
        videos[0][:, 18:22, 30:40] = VOID
    return videos[0], videos[1]


def test_scores_and_statistics_equal_the_literal_definitions() -> None:
    truth, predicted = moving()
    found = video_scores(truth, predicted, void=VOID)
    assert found.objects == (1, 2)
    assert found.region.shape == found.contour.shape == (2, 9)
    sums = np.zeros((2, 3))
    for k, label in enumerate(found.objects):
        known = truth[1:-1] != VOID
        pairs = list(zip((truth[1:-1] == label) & known, (predicted[1:-1] == label) & known, strict=True))
        region, contour = (np.array([score(*pair) for pair in pairs]) for score in (literal_j, literal_f))
        np.testing.assert_allclose(found.region[k], region)
        np.testing.assert_allclose(found.contour[k], contour)
        sums += [literal_over_frames(region), literal_over_frames(contour)]
    totals = video_counts(found)
    np.testing.assert_allclose(video.region_similarity(totals), sums[0] / 2)
    np.testing.assert_allclose(video.contour_accuracy(totals), sums[1] / 2)
    np.testing.assert_allclose(video.j_and_f(totals), sums[:, 0].sum() / 4)
    assert 0.3 < float(video.j_and_f(totals)) < 0.95  # neither trivially good nor bad


@given(VIDEOS)
def test_scores_of_noise_equal_the_literal_definitions(videos: np.ndarray) -> None:
    truth, predicted = videos
    predicted = np.where(np.isin(predicted, truth), predicted, np.uint8(0))
    found = video_scores(truth, predicted, frames="all")
    for k, label in enumerate(found.objects):
        for t in range(3):
            pair = truth[t] == label, predicted[t] == label
            assert found.region[k, t] == pytest.approx(literal_j(*pair))
            assert found.contour[k, t] == pytest.approx(literal_f(*pair))


@given(arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_contours_equal_the_literal_ones(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(video.contour(mask), literal_contour(mask))


@pytest.mark.parametrize("frames", range(1, 40))
def test_mean_recall_and_decay_equal_davis_of_any_length(frames: int) -> None:
    values = np.random.default_rng(frames).random((3, frames))
    np.testing.assert_allclose(video.over_frames(values), [literal_over_frames(row) for row in values], atol=1e-12)


def test_a_steady_decline_is_a_decay() -> None:
    np.testing.assert_allclose(video.over_frames(np.linspace(1, 0, 9)), [0.5, 4 / 9, 0.75])


def test_absent_in_both_is_1_and_in_one_alone_0() -> None:
    truth, predicted = np.zeros((2, 5, 20, 20), np.uint8)
    truth[:3, 5:15, 5:15] = 3
    predicted[2:4, 5:15, 5:15] = 3
    found = video_scores(truth, predicted, frames="all")
    np.testing.assert_array_equal(found.region, [[0, 0, 1, 0, 1]])
    np.testing.assert_array_equal(found.contour, [[0, 0, 1, 0, 1]])


def test_the_first_and_last_frame_are_left_out_unless_asked_for() -> None:
    truth, predicted = moving()
    inner, every = video_scores(truth, predicted, void=VOID), video_scores(truth, predicted, void=VOID, frames="all")
    np.testing.assert_array_equal(inner.region, every.region[:, 1:-1])
    np.testing.assert_array_equal(inner.contour, every.contour[:, 1:-1])
    assert (inner.frames, every.frames) == ("inner", "all")


def test_what_is_predicted_on_void_truth_does_not_matter() -> None:
    truth, predicted = moving()
    other = np.where(truth == VOID, np.uint8(2), predicted)
    first, second = video_scores(truth, predicted, void=VOID), video_scores(truth, other, void=VOID)
    np.testing.assert_array_equal(first.region, second.region)
    np.testing.assert_array_equal(first.contour, second.contour)


def test_counts_of_videos_add_up_over_objects_and_survive_json() -> None:
    long, short = moving(), moving(frames=6, void=False)
    videos = [video_counts(video_scores(*pair, void=VOID)) for pair in (long, short)]
    total = counts.total(counts.stack(videos))
    per_object = np.concatenate([video.over_frames(video_scores(*pair, void=VOID).region) for pair in (long, short)])
    np.testing.assert_allclose(video.region_similarity(total), per_object.mean(axis=0))
    read = counts.from_plain(VideoCounts, json.loads(json.dumps(counts.to_plain(total))))
    np.testing.assert_array_equal(video.contour_accuracy(read), video.contour_accuracy(total))
    assert read.frames == "inner"
    assert video.j_and_f(counts.stack(videos)).shape == (2,)


def test_without_an_object_there_is_no_figure() -> None:
    nothing = np.zeros((4, 6, 6), np.uint8)
    found = video_scores(nothing, nothing)
    assert found.region.shape == (0, 2)
    assert np.isnan(video.j_and_f(video_counts(found)))
    assert isinstance(found, VideoScores)


def test_a_predicted_object_that_is_none_is_refused() -> None:
    truth = np.zeros((3, 4, 4), np.uint8)
    with pytest.raises(DataError, match=r"object id 5, but the truth has no object\. Give every object the id"):
        video_scores(truth, truth + np.uint8(5))
    with pytest.raises(DataError, match="has only 1"):
        video_scores(truth + np.uint8(1), truth + np.uint8(5), void=4)


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        (np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8), r"clip: the truth is uint8 of shape \(3, 4\)"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros((3, 4, 4)), r"the prediction is float64.*Give object ids"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), "Give one mask a frame for each"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8), r'2 frames.*frames="all"'),
    ],
)
def test_videos_that_cannot_be_scored_are_refused(truth: np.ndarray, predicted: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        video_scores(truth, predicted, where="clip")


def test_a_convention_that_does_not_exist_is_refused() -> None:
    nothing = np.zeros((3, 4, 4), np.uint8)
    with pytest.raises(RecipeError, match=r"'outer' does not exist.*inner, all"):
        video_scores(nothing, nothing, frames="outer")
