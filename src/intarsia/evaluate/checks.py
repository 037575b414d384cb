"""Checks of a scored data set; each returns what it found, or None when there is nothing to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt16
from scipy.stats import rankdata

from intarsia.data.examination import ImageRecord
from intarsia.metrics.overlap import iou, mean_iou, recall, support
from intarsia.types import ImageSpec, LabelMap

_RARE = 0.1  # of an even share of the pixels, below which a class is rare
_BEHIND = 0.15  # how far a rare class's recall lies below that of the others for imbalance to be named
_TOO_FEW = 0.9  # of its true pixels, that many or more being predicted, a class is not neglected
_VOID = 0.001  # of the counted pixels predicted void, from which it is named
_RANKED = 4  # classes, below which a rank correlation says nothing
_CEILING = 0.02  # of mean IoU lost to the output stride alone, above which it is named
_CLASS_CEILING = 0.1  # of one class's IoU, likewise
_SHIFT = 0.5  # standard deviations between means
_SPREAD = 1.5  # ratio of standard deviations, and of picture sizes


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        name: the check.
        finding: the fact with its figures, without a full stop.
        remedy: what to do, as an imperative sentence without a full stop.
        severity: "warning" where it costs score, "note" where it is good to know.
    """

    name: str
    finding: str
    remedy: str
    severity: Literal["warning", "note"]


def never_predicted(confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap) -> Finding | None:
    """Classes of the truth that no pixel is predicted as, pixels whose truth is void left out.

    Args:
        confusion: the counts of the whole data set, void last.
        label_map: the classes.
    """
    true, predicted = support(confusion), confusion[:-1, :-1].sum(axis=0)
    never = [name for k, name in enumerate(label_map.names) if true[k] and not predicted[k]]
    if not never:
        return None
    return Finding(
        "never predicted",
        f"The truth holds {', '.join(never)}, but no counted pixel is predicted as such",
        "Weigh rare classes more (loss.class_weights=balanced) and train longer; see docs/how-to/rare-classes.md",
        "warning",
    )


def predicted_void(confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap) -> Finding | None:
    """Void in the prediction where the truth is a class; None below 0.1% of the counted pixels.

    Args:
        confusion: the counts of the whole data set, void last.
        label_map: the classes.
    """
    assert len(confusion) == label_map.num_classes + 1
    void, counted = int(confusion[:-1, -1].sum()), int(confusion[:-1].sum())
    share = void / max(counted, 1)
    if share < _VOID:
        return None
    told = f"{share:.1%}" if share < 0.01 or 0.995 <= share < 1 else f"{share:.0%}"
    return Finding(
        "predicted void",
        f"{told} of the pixels are predicted void; each is a miss of its class",
        "Let the program that made the masks choose a class everywhere",
        "warning",
    )


def one_class(confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap) -> Finding | None:
    """Every counted pixel predicted as one and the same class, although the truth holds more.

    Args:
        confusion: the counts of the whole data set, void last.
        label_map: the classes.
    """
    predicted = np.flatnonzero(confusion[:-1].sum(axis=0))
    held = np.count_nonzero(support(confusion))
    if len(predicted) != 1 or predicted[0] == label_map.num_classes or held < 2:
        return None
    return Finding(
        "one class everywhere",
        f"Every pixel is predicted as {label_map.names[predicted[0]]}, where the truth holds {held} classes",
        "Train longer, weigh rare classes more (loss.class_weights=balanced), and look whether ids mean the same in "
        "both masks; see docs/how-to/rare-classes.md",
        "warning",
    )


def confusion_checks(confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap) -> list[Finding]:
    """Everything here that the confusion alone can tell.

    Args:
        confusion: the counts of the whole data set, void last.
        label_map: the classes.
    """
    single = one_class(confusion, label_map)
    # Where all is one class, that no other is predicted has been said.
    never = None if single else never_predicted(confusion, label_map)
    found = (single, never, predicted_void(confusion, label_map), imbalance(confusion, label_map))
    return [finding for finding in found if finding is not None]


def imbalance(confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap) -> Finding | None:
    """Rare classes that are found less often than the others.

    Rare is a class with less than a tenth of an even share of the pixels. It is behind when its recall is lower by
    0.15 than the mean recall of the classes that are not rare, and less than nine tenths of its pixels are predicted
    at all: a class that is lost and invented in equal parts suffers from something else.

    Args:
        confusion: the counts of the whole data set, void last.
        label_map: the classes.
    """
    pixels, recalls, predicted = support(confusion), recall(confusion), confusion[:-1, :-1].sum(axis=0)
    present = np.flatnonzero(pixels)
    if present.size < 2:
        return None
    shares = pixels / pixels.sum()
    rare = [k for k in present if shares[k] < _RARE / present.size]
    common = float(np.mean([recalls[k] for k in present if k not in rare]))
    behind = [k for k in rare if recalls[k] < common - _BEHIND and predicted[k] < _TOO_FEW * pixels[k]]
    behind.sort(key=lambda k: float(recalls[k]))
    if not behind:
        return None
    listed = ", ".join(f"{label_map.names[k]} ({shares[k]:.2%} of the pixels): {recalls[k]:.0%}" for k in behind)
    order = ""
    if present.size >= _RANKED:
        correlation = _spearman(shares[present], recalls[present])
        order = f"; Spearman's correlation of recall and frequency is {correlation:.2f}"
    return Finding(
        "imbalance",
        f"Rare classes are found less: {listed} recall, where the others reach {common:.0%} on average{order}",
        "Weigh them more (loss.class_weights=balanced) or add pictures that show them; see docs/how-to/rare-classes.md",
        "warning",
    )


def resolution_limit(
    stride: str, ceiling: Int64[np.ndarray, "k1 k1"], confusion: Int64[np.ndarray, "k1 k1"], label_map: LabelMap
) -> Finding | None:
    """How good a perfect predictor could be whose output has one pixel for each stride × stride of the picture.

    Args:
        stride: the output stride, in words where it differs between pictures.
        ceiling: the sum over pictures of :func:`~intarsia.metrics.resolution.resolution_confusion` at its stride.
        confusion: the counts of the prediction over the same pictures.
        label_map: the classes.

    Returns:
        None when the limit costs less than 0.02 mean IoU, and no class 0.1 of its IoU.
    """
    best, reached = iou(ceiling), iou(confusion)
    mean = float(mean_iou(ceiling))
    limited = [k for k in np.argsort(best) if best[k] < 1 - _CLASS_CEILING]
    if not mean <= 1 - _CEILING and not limited:  # also where there is nothing to score, and mean is NaN
        return None
    listed = ", ".join(f"{label_map.names[k]} {best[k]:.2f} (reached {reached[k]:.2f})" for k in limited[:5])
    return Finding(
        "resolution limit",
        f"At output stride {stride} even a perfect predictor reaches a mean IoU of {mean:.3f}"
        + (f": {listed}" if listed else ""),
        "Use a network whose output has the picture's resolution, or train and predict on larger pictures; "
        "see docs/how-to/small-objects.md",
        "warning" if limited else "note",
    )


@dataclass(frozen=True, eq=False)
class PictureStatistics:
    """The values and sizes of pictures; additive over pictures of equally many channels.

    Args:
        moments: float64 [..., channels, 3]: pixels, sum of the values and sum of their squares, in units of [0, 1].
        depths: how many pictures [..., 2] are of 8 bits, and of 16.
        long_sides: the sum [..., 1] of the pictures' longer sides in pixels.
    """

    moments: Float64[np.ndarray, "*batch channels 3"]
    depths: Int64[np.ndarray, "*batch 2"] | Float64[np.ndarray, "*batch 2"]
    long_sides: Int64[np.ndarray, "*batch 1"] | Float64[np.ndarray, "*batch 1"]

    @property
    def mean(self) -> Float64[np.ndarray, "*batch channels"]:
        """The mean of each channel over all pixels."""
        return np.asarray(self.moments[..., 1] / self.moments[..., 0])

    @property
    def std(self) -> Float64[np.ndarray, "*batch channels"]:
        """The standard deviation of each channel over all pixels."""
        return np.asarray(np.sqrt(np.maximum(0, self.moments[..., 2] / self.moments[..., 0] - self.mean**2)))


def picture_statistics(
    image: UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"],
) -> PictureStatistics:
    """Count the values and the size of one picture as it is stored."""
    top = int(np.iinfo(image.dtype).max)
    scaled = np.arange(top + 1) / top
    moments = np.empty((image.shape[2], 3))
    for channel in range(image.shape[2]):
        histogram = np.bincount(image[:, :, channel].ravel(), minlength=top + 1)
        moments[channel] = histogram.sum(), histogram @ scaled, histogram @ scaled**2
    depths = np.array([image.dtype == np.uint8, image.dtype == np.uint16], np.int64)
    return PictureStatistics(moments, depths, np.array([max(image.shape[:2])], np.int64))


def examined_statistics(records: Sequence[ImageRecord]) -> PictureStatistics:
    """The same of pictures that the doctor has already read; gray ones among colored ones have three equal channels."""
    channels = max(len(record.channel_sums) for record in records)
    moments = np.zeros((channels, 3))
    for record in records:
        top = 2**record.bit_depth - 1
        moments[:, 0] += record.pixels
        moments[:, 1] += np.array(record.channel_sums, np.float64) / top
        moments[:, 2] += np.array(record.channel_square_sums, np.float64) / top**2
    depths = np.array([sum(record.bit_depth == depth for record in records) for depth in (8, 16)], np.int64)
    sides = np.array([sum(max(record.height, record.width) for record in records)], np.int64)
    return PictureStatistics(moments, depths, sides)


def preprocessing_mismatch(pictures: PictureStatistics, spec: ImageSpec) -> Finding | None:
    """Pictures that are not like those a model was prepared for.

    Args:
        pictures: added up over the pictures.
        spec: the model's image specification; its mean and std are those of the training pictures.
    """
    facts = []
    depth = 8 if pictures.depths[0] >= pictures.depths[1] else 16
    if depth != spec.bit_depth:
        facts.append(f"they have {depth} bits where the model was trained on {spec.bit_depth}")
    if len(pictures.moments) != spec.channels:
        facts.append(f"they have {len(pictures.moments)} channels where the model was trained on {spec.channels}")
    else:
        facts += _differences(pictures.mean, pictures.std, np.array(spec.mean), np.array(spec.std))
    return _mismatch("The pictures are not like those the model was trained on", facts)


def folder_mismatch(first: PictureStatistics, second: PictureStatistics) -> Finding | None:
    """Two folders of pictures, such as training and validation, that differ in how they were made.

    Args:
        first: added up over the pictures that were trained on.
        second: added up over the others.
    """
    facts = []
    depths = ["8" if each.depths[0] >= each.depths[1] else "16" for each in (first, second)]
    if depths[0] != depths[1]:
        facts.append(f"one holds pictures of {depths[0]} bits, the other of {depths[1]}")
    sides = [float(each.long_sides[0] / each.depths.sum()) for each in (first, second)]
    if max(sides) > _SPREAD * min(sides):
        facts.append(f"their longer sides are {sides[0]:.0f} and {sides[1]:.0f} pixels on average")
    if first.moments.shape != second.moments.shape:
        facts.append(f"one has {len(first.moments)} channels, the other {len(second.moments)}")
    else:
        facts += _differences(second.mean, second.std, first.mean, first.std)
    return _mismatch("The two sets of pictures differ", facts)


def _differences(
    mean: Float64[np.ndarray, "channels"],
    std: Float64[np.ndarray, "channels"],
    expected_mean: Float64[np.ndarray, "channels"],
    expected_std: Float64[np.ndarray, "channels"],
) -> list[str]:
    facts = []
    if (np.abs(mean - expected_mean) > _SHIFT * expected_std).any():
        facts.append(f"mean brightness {_listing(mean)} instead of {_listing(expected_mean)}")
    ratio = np.maximum(std, 1e-6) / np.maximum(expected_std, 1e-6)
    if ((ratio > _SPREAD) | (ratio < 1 / _SPREAD)).any():
        facts.append(f"spread of brightness {_listing(std)} instead of {_listing(expected_std)}")
    return facts


def _mismatch(opening: str, facts: list[str]) -> Finding | None:
    if not facts:
        return None
    return Finding(
        "preprocessing mismatch",
        f"{opening}: {'; '.join(facts)}",
        "Make them in the same way (scanner, export, scaling of values), or train on pictures of both kinds",
        "warning",
    )


def _listing(values: Float64[np.ndarray, "channels"]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation; 0 where one of the two does not vary."""
    ranks = rankdata(first), rankdata(second)
    if min(np.ptp(rank) for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
