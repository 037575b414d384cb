"""J, F and J&F of video object segmentation, as the DAVIS benchmark defines them (Perazzi et al., CVPR 2016).

*Region similarity* J is the IoU of an object's true and predicted mask in one frame. *Contour accuracy* F is the F1 of
its two contours, matched within 0.8% of the diagonal, rounded up to whole pixels. Both are 1 where the object is
absent from both masks, and 0 where it is in one alone.

Over the frames of an object there is their mean, their recall (the share of frames above 0.5) and their decay (the
mean of the first quarter of the frames minus that of the last). A data set's figures are means over its objects,
whatever the lengths of their videos (Pont-Tuset et al., the 2017 DAVIS challenge, arXiv:1704.00675).

DAVIS' contours differ from the boundaries of the other metrics (:mod:`intarsia.ops.boundary`): a contour pixel is one
that differs from its neighbor to the right, below or diagonally below, so contours run half a pixel up and left of the
border, on either side of it; and void cuts a mask off, which leaves a contour there, alike in truth and prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.metrics.boundary_kernels import count_matched, list_pixels

CONTOUR_TOLERANCE = 0.008
"""Of the diagonal."""

BACKGROUND = 0
"""The id that is no object."""

FRAME_CONVENTIONS = {
    "inner": "the first frame, which the method is given, and the last are left out (DAVIS, semi-supervised)",
    "all": "every frame is scored",
}
"""Which frames are scored, by name, in words."""


@dataclass(frozen=True, eq=False)
class VideoScores:
    """J and F of every object of one video in every scored frame.

    Args:
        objects: the objects' ids, ascending.
        region: J, in [0, 1].
        contour: F, in [0, 1].
        frames: which frames are scored.
    """

    objects: tuple[int, ...]
    region: Float64[np.ndarray, "objects frames"]
    contour: Float64[np.ndarray, "objects frames"]
    frames: str


@dataclass(frozen=True, eq=False)
class VideoCounts:
    """What figures over objects need to know of one video, or of many along the leading axes; additive over videos.

    Args:
        objects: how many there are, [..., 1].
        region: the sums [..., 3] over objects of the mean, recall and decay of J.
        contour: the same of F.
        frames: which frames are scored.
    """

    objects: Int64[np.ndarray, "*batch 1"] | Float64[np.ndarray, "*batch 1"]
    region: Float64[np.ndarray, "*batch 3"]
    contour: Float64[np.ndarray, "*batch 3"]
    frames: str


def video_scores(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    *,
    void: int | None = None,
    frames: str = "inner",
    where: str | Path = "video",
) -> VideoScores:
    """Score one video.

    Args:
        truth: object ids, uint8 or uint16 [T, H, W], 0 where there is none. Every id in it is an object to score.
        predicted: object ids, uint8 or uint16 [T, H, W], the same id for the same object.
        void: the id of true pixels to leave out; predicted, it is no object.
        frames: which frames to score; see :data:`FRAME_CONVENTIONS`.
        where: what to call the video in an error, its folder for instance.

    Raises:
        ShapeError: sizes that differ, arrays that are not uint8 or uint16 [T, H, W], or too few frames to score any.
        DataError: a predicted id that is no object of the truth.
        RecipeError: a convention that does not exist.
    """
    _check(truth, predicted, frames, where)
    nothing = {BACKGROUND, BACKGROUND if void is None else void}
    objects = tuple(int(label) for label in np.unique(truth) if label not in nothing)
    unknown = [int(label) for label in np.unique(predicted) if label not in nothing | set(objects)]
    if unknown:
        raise DataError(
            f"the prediction holds the object id {unknown[0]}, but the truth has {_listing(objects)}",
            where=where,
            remedy="Give every object the id it has in the truth, and 0 to everything else",
        )
    inner = slice(1, -1) if frames == "inner" else slice(None)
    scored = list(zip(truth[inner], predicted[inner], strict=True))
    region, contours = np.empty((2, len(objects), len(scored)))
    for n, (true, found) in enumerate(scored):
        known = np.ones(true.shape, bool) if void is None else true != void
        for k, label in enumerate(objects):
            masks = (true == label) & known, (found == label) & known
            region[k, n], contours[k, n] = _region(*masks), _contour(*masks)
    return VideoScores(objects, region, contours, frames)


def over_frames(values: Float64[np.ndarray, "*objects frames"]) -> Float64[np.ndarray, "*objects 3"]:
    """The mean, recall and decay of J or F over at least one frame, of each object.

    Quarters are DAVIS': four runs of frames that share their first and last frames with their neighbors.
    """
    last = values.shape[-1]
    first_quarter, _, third_quarter = (math.floor(1 + (last - 1) * share + 0.5) - 1 for share in (0.25, 0.5, 0.75))
    decay = values[..., : first_quarter + 1].mean(axis=-1) - values[..., third_quarter:].mean(axis=-1)
    return np.stack([values.mean(axis=-1), (values > 0.5).mean(axis=-1), decay], axis=-1)


def video_counts(scores: VideoScores) -> VideoCounts:
    """Sum up the figures of the objects of one video."""
    return VideoCounts(
        np.array([len(scores.objects)]),
        over_frames(scores.region).sum(axis=0),
        over_frames(scores.contour).sum(axis=0),
        scores.frames,
    )


def region_similarity(counts: VideoCounts) -> Float64[np.ndarray, "*batch 3"]:
    """The mean over objects of the mean, recall and decay of J; NaN when there is no object."""
    return _mean(counts.region, counts.objects)


def contour_accuracy(counts: VideoCounts) -> Float64[np.ndarray, "*batch 3"]:
    """The mean over objects of the mean, recall and decay of F; NaN when there is no object."""
    return _mean(counts.contour, counts.objects)


def j_and_f(counts: VideoCounts) -> Float64[np.ndarray, "*batch"]:
    """J&F: the mean of the mean J and the mean F over objects; NaN when there is no object."""
    return np.asarray((region_similarity(counts)[..., 0] + contour_accuracy(counts)[..., 0]) / 2)


def contour(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Mark the contour of a mask as DAVIS does (``seg2bmap`` of the Berkeley segmentation benchmark).

    A pixel is marked that differs from its neighbor to the right, below, or diagonally below; in the last row and
    column, where only one of these exists, that one decides.
    """
    marked = np.zeros(mask.shape, bool)
    marked[:, :-1] = mask[:, :-1] != mask[:, 1:]
    marked[:-1] |= mask[:-1] != mask[1:]
    marked[:-1, :-1] |= mask[:-1, :-1] != mask[1:, 1:]
    return marked


def _region(true: Bool[np.ndarray, "height width"], predicted: Bool[np.ndarray, "height width"]) -> float:
    union = np.count_nonzero(true | predicted)
    return np.count_nonzero(true & predicted) / union if union else 1.0


def _contour(true: Bool[np.ndarray, "height width"], predicted: Bool[np.ndarray, "height width"]) -> float:
    no_classes = np.zeros(true.shape, np.int16)
    these, those = (list_pixels(no_classes, contour(mask), 1) for mask in (true, predicted))
    if not (these.columns.size and those.columns.size):
        return float(these.columns.size == those.columns.size)
    limit = np.array([math.ceil(CONTOUR_TOLERANCE * math.hypot(*true.shape)) ** 2])
    recall = count_matched(these, those, 1, limit).item() / these.columns.size
    precision = count_matched(those, these, 1, limit).item() / those.columns.size
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _check(
    truth: Shaped[np.ndarray, "*truth_size"],
    predicted: Shaped[np.ndarray, "*predicted_size"],
    frames: str,
    where: str | Path,
) -> None:
    if frames not in FRAME_CONVENTIONS:
        raise RecipeError(
            f"the convention {frames!r} does not exist",
            where="frames",
            remedy=f"Choose one of {', '.join(FRAME_CONVENTIONS)}",
        )
    for what, masks in (("truth", truth), ("prediction", predicted)):
        if masks.ndim != 3 or masks.dtype not in (np.uint8, np.uint16):
            raise ShapeError(
                f"the {what} is {masks.dtype} of shape {masks.shape}",
                where=where,
                remedy="Give object ids as uint8 or uint16 of shape (frames, height, width)",
            )
    if truth.shape != predicted.shape:
        raise ShapeError(
            f"the truth is of shape {truth.shape} and the prediction {predicted.shape} (frames, height, width)",
            where=where,
            remedy="Give one mask a frame for each, both at the video's own size",
        )
    least = 3 if frames == "inner" else 1
    if len(truth) < least:
        raise ShapeError(
            f"there are {len(truth)} frames, of which none is scored: {FRAME_CONVENTIONS['inner']}",
            where=where,
            remedy=f'Give at least {least}, or score every frame (frames="all")',
        )


def _listing(objects: tuple[int, ...]) -> str:
    if not objects:
        return "no object"
    return f"only {', '.join(map(str, objects[:8]))}{' …' if len(objects) > 8 else ''}"


def _mean(sums: Float64[np.ndarray, "*batch 3"], objects: np.ndarray) -> Float64[np.ndarray, "*batch 3"]:
    mean: Float64[np.ndarray, "*batch 3"] = np.full_like(sums, np.nan)
    np.divide(sums, objects, out=mean, where=objects > 0)
    return mean
